"""Runs an electron in a Cloud Run function of the user's, which Cloud Tasks calls."""
