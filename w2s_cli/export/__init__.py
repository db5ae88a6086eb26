"""Networks as packages that other programs run: bioimage.io models."""
