"""Many files: which goes where, and what became of each."""
