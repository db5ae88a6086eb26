"""Scores of an image against a reference."""
