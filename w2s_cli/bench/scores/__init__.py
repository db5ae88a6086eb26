"""Scores of images against references, and what they mean."""
