"""A REDCap export as a study folder, by a mapping file that a person has checked."""
