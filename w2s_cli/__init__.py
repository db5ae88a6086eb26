"""Denoise and super-resolve fluorescence microscopy stacks.

The journey of the numbers, and the package that does each step::

    file counts (uint16, ...)                         files
      -> photons   p = (counts - offset) / gain       physics, estimate
      or what a network of others was trained on      restore.affine
      -> what the method expects (`restore.Domain`)   restore
      -> overlapping tiles -> method -> sewn          restore, methods
      -> counts again, on the new pixel grid          restore
      -> the file's dtype, rounded, clipped, counted  restore, files
"""

__version__ = "0.1.0"
