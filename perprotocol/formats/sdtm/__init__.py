"""CDISC SDTM: a folder of datasets becomes a study folder, and a study folder goes out as datasets."""
