"""Verbs of `import`, one file a format: what other systems wrote becomes our protocol or study folder."""
