"""Which record is which planned occurrence."""
