"""The quantum executors, a module for each, and what all have in common."""
