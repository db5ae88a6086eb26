"""From a file to its restored file: open, diagnose, choose, restore, record, write."""
