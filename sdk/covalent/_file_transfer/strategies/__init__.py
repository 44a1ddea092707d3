"""How files are transferred: one class for each kind of place."""
