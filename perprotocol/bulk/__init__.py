"""Studies larger than memory: they move rows, they decide nothing."""
