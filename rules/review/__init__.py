"""What people say of findings: decisions, corrections, the site's log, two runs beside each other."""
