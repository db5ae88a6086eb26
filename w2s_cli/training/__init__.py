"""Train a network from a recipe."""
