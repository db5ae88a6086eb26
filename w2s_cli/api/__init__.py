"""The Python API: what `import w2s_cli as w2s` offers.

Images are `Stack` objects, whose pixels may still be on disk, or NumPy arrays of camera
counts. A function that is given a stack gives a lazy stack back; one that is given an
array gives an array back, and says by Python's `warnings` what a result object would.
"""
