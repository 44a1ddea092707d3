"""Secrets that users write into their scripts: they stay on this machine, in files that they alone can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from covalent._shared_files.defaults import secrets_path
from covalent_contracts.ids import digest_of
from covalent_runner.transfers.credentials import Secret


class Kept(Secret):
    """A secret as it was written. To pickle it is to put it into a file, and to send the path of that.

    Args:
        literal: the secret.
        name: of the file, made from what the secret belongs to and never from the secret.

    """

    def __init__(self, literal: str, name: str) -> None:
        super().__init__(str(secrets_path() / name))
        object.__setattr__(self, "_literal", literal)

    def text(self) -> str:
        """The secret."""
        return str(vars(self)["_literal"])

    def __reduce__(self) -> tuple[Any, ...]:
        self.keep()
        return Secret, (self.place,)

    def __repr__(self) -> str:
        return f"Kept({self.place!r})"

    def keep(self) -> None:
        """Put it into its file."""
        path = Path(self.place)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(self.text())
        part.replace(path)


def secret(given: str, what: str, owner: str) -> Secret:
    """A secret of a strategy.

    Args:
        given: an ARN of AWS Secrets Manager, an absolute path, or the secret itself.
        what: what it is, for the name of the file that keeps it.
        owner: whose it is; two secrets of one owner are one, the later.

    """
    if given.startswith(("arn:", "/", "~/")):
        return Secret(given)
    return Kept(given, f"{what}-{digest_of(owner.encode())[:16]}")


def shown(kept: Secret | None) -> str | None:
    """A secret as the user gave it."""
    if kept is None:
        return None
    return kept.text() if isinstance(kept, Kept) else kept.place
