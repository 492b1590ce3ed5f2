"""How fast, how much memory, and how that grows: one study made, audited and timed."""

from perprotocol.memory import keep_memory

# As the command does; here for all that is measured, the floor and the loops too.
keep_memory()
