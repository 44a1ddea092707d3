"""Configuration, errors and small types. The name of the package is a promise of the Covalent API."""
