"""Methods against each other on images with known truth."""
