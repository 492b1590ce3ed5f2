"""The door: a study folder as recorded comes in; typed tables, or all their faults at once, go out."""
