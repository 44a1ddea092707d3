"""Errors as they are told in few words."""

from itertools import dropwhile

_BEFORE_AN_EXCEPTION = (
    "Traceback (most recent call last):",
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)


def in_one_line(error: str) -> str:
    """An error without its traceback: the line of the exception, and the last one if its message has several."""
    lines = error.strip().splitlines()
    said = list(lines)
    for number, line in enumerate(lines):
        if line in _BEFORE_AN_EXCEPTION:
            said = list(dropwhile(lambda each: each.startswith("  "), lines[number + 1 :]))
    said = [each.strip() for each in said if each.strip()]
    between = " ... " if len(said) > 2 else " "
    return between.join(dict.fromkeys([*said[:1], *said[-1:]]))
