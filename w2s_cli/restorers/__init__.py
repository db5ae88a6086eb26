"""The protocol of a restorer, its traits and units, and tiles."""
