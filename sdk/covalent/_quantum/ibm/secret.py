"""Tokens that do not show."""

from __future__ import annotations


class Token(str):
    """A string like any other, except that its `repr` does not tell what it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Tell whether there is a token, and nothing else."""
        return "'**********'" if self else "''"


def without(text: str, token: str) -> str:
    """The text with the token struck out, for messages of libraries that we do not write."""
    return text.replace(token, "**********") if token else text
