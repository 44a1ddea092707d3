"""Tokens that do not show."""

from __future__ import annotations

import hashlib
import traceback


class Token(str):
    """A string like any other, except that its `repr` does not tell what it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Tell whether there is a token, and nothing else."""
        return "'**********'" if self else "''"

    def digest(self) -> str:
        """What tells it from other tokens."""
        return f"sha256:{hashlib.sha256(self.encode()).hexdigest()}"


def is_secret(name: str | None) -> bool:
    """Whether a field of that name has a token."""
    return "token" in (name or "").lower()


def without(text: str, token: str) -> str:
    """The text with the token struck out, for messages of libraries that we do not write."""
    return text.replace(token, "**********") if token else text


def behind(exc: BaseException, token: str) -> BaseException | None:
    """The cause of an error that is told without the token; None if its traceback would show the token after all."""
    return None if token and token in "".join(traceback.format_exception(exc)) else exc
