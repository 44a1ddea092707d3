"""Settings of executors that are secrets. Where one is kept travels; the secret itself stays on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from covalent._file_transfer.secrets import Kept, secret
from covalent.executor.dispatched import DispatchedExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping


class ElsewhereExecutor(DispatchedExecutor):
    """Base of executors that the bridge submits jobs for, in places that need a secret to log in.

    A secret is given as itself, as the absolute path of a file, or as an ARN of AWS Secrets Manager. One that is
    given as itself is put into a file that this user alone can read, once the executor is sent, and the path of that
    file is what travels.

    Args:
        args: settings of the subclass, in its order.
        settings: those of the subclass, and of every executor.

    """

    _SECRETS: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """The settings that are secrets, each with those that tell whose it is."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        names = tuple(self._EXECUTOR_PLUGIN_DEFAULTS)
        if len(args) > len(names):
            raise TypeError(f"{type(self).__name__} takes {len(names)} positional arguments")
        super().__init__(**dict(zip(names, args, strict=False)), **settings)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-serializable representation, without secrets: those are put where it says."""
        found = super().to_dict()
        for name, owners in self._SECRETS.items():
            if given := getattr(self, name):
                owner = "/".join(str(getattr(self, each)) for each in owners)
                kept = secret(given, f"{self.short_name()}-{name}", owner)
                if isinstance(kept, Kept):
                    kept.keep()
                found["attributes"][name] = kept.place
        return found
