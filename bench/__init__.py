"""How fast, how much memory, and how that grows: one study made, audited and timed."""
