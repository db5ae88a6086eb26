"""The protocol of a restorer, its traits and units, and tiles."""

TILE = 1024
"""Side of a tile where nobody asks for another, in input pixels."""
