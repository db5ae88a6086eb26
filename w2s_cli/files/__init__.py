"""Image files in and out: TIFF, PNG and NPY as stacks."""
