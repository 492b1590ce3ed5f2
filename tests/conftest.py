"""Properties are tried on the same examples on every machine, and none fails because a machine is busy."""

from hypothesis import settings

settings.register_profile("perprotocol", deadline=None, derandomize=True)
settings.load_profile("perprotocol")
