"""Runs an electron in the runner function that the deployment has for its Python version."""
