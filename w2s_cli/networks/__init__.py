"""Network architectures: pure torch, no paths, no images."""
