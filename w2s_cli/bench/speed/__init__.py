"""What methods cost on a machine."""
