"""The dose sheet: one page for one infusion, in English and Chinese, to be checked and signed by hand."""
