"""The `covalent` command."""
