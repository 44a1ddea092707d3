"""Runs an electron in an Azure function app of the user's, which has our functions in it."""
