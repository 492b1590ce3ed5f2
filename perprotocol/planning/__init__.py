"""A forecast for people who write protocols: as text, as a page with pictures, and as tables for programs."""
