"""Runs an electron as a job of Google Cloud's Batch."""
