"""Electrons on a Dask cluster: `cluster` speaks with its scheduler, `remote` is the program that its workers run."""
