"""The formats of the field, one file or room each: what they say, read and written; nothing is judged here."""
