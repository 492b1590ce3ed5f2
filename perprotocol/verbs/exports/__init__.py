"""Verbs of `export`, one file a format: what we know, as other systems read it."""
