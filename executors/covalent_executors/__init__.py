"""Executors: what the user writes, what Step Functions calls, what talks to the outside."""
