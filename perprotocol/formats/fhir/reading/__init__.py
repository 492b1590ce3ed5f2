"""Resources -> a study folder."""
