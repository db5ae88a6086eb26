"""The microscope backwards: what an image tells of its own noise."""
