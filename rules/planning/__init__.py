"""What a plan is made of: slots with their anchors and windows, written out arm by arm."""
