"""Many files: one bad one never stops the others."""
