"""Runs electrons on a host that is reached by ssh."""
