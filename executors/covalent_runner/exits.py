"""How `python -m covalent_runner` tells how it went, and is told by which name others know it."""

COMMITTED, FAILED, NOT_STARTED = 0, 3, 4
"""Exit codes: the result is recorded; the try failed and that is recorded; something that it needs has failed."""
TIMED_OUT = 5
"""Exit code: the electron did not end in time. Nothing is recorded; the state's report tells the user."""
AGAIN = 6
"""Of a job in an array: the try failed and that is recorded, and the electron may be tried again."""
HANDLE = "COVALENT_JOB_HANDLE"
"""By which name the place knows the job, as JSON: what it takes to cancel it from outside."""
