"""Weights by name, those that ship and those a user brings."""
