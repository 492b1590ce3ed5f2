"""What happened to the participants of one partition, in the protocol's words."""
