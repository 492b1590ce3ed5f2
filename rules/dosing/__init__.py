"""How much was intended, and how much was given."""
