"""What was promised: a trial's protocol as data, read from one YAML document."""
