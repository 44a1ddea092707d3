"""The Dask cluster beside the local server: `process` is what `python -m covalent._cluster` runs."""
