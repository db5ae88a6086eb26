"""The microscope forwards: light becomes counts."""
