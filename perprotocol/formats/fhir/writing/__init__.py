"""A protocol, a study and what was found of it -> resources."""
