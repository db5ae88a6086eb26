"""Scores of an image against a reference: `(reference, image, ...) -> float`."""
