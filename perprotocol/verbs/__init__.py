"""The verbs people type, one file each: read at the door, call the engine, print."""
