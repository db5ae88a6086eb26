"""A bench as a page to look at."""
