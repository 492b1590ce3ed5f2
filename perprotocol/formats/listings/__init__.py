"""Listings that a monitor and a statistician hand over, as a folder of tables or as one workbook."""
