"""Runs an electron on a Dask cluster, or, where none is named, as a local one."""
