"""How people reach it: the command. Imported by nobody."""

__version__ = "0.1.0"
