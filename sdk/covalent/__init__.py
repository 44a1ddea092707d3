"""Covalent's Python workflow API."""
