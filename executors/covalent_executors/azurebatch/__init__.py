"""Runs an electron as a task of Azure Batch, in a pool of the user's."""
