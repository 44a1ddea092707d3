"""What an electron's hooks call for its transfers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from covalent_runner.transfers.errors import EndFailed, TransferFailed
from covalent_runner.transfers.places import Place


class Way(Protocol):
    """How files get from one place to another; what it is made of is pickled, so it holds no secret."""

    def copy(self, source: Place, target: Place) -> None:
        """Copy a file or a folder. The paths of this machine are absolute.

        Raises:
            EndFailed: one end failed, for a reason that is known.
            TransferFailed: the way itself cannot be gone.

        """


@dataclass(frozen=True)
class Move:
    """A transfer that can be made, once or again."""

    way: Way
    source: Place
    target: Place

    def __call__(self) -> None:
        """Make the transfer.

        Raises:
            TransferFailed: it could not be made.

        """
        source, target = self.source.here(), self.target.here()
        what = f"could not transfer {source} to {target}"
        try:
            self.way.copy(source, target)
        except EndFailed as exc:
            is_source = source.remote if exc.end == "remote" else exc.end == "source"
            end, place = ("source", source) if is_source else ("target", target)
            reason = f"the {end} {exc.name or place} {exc.reason}"
            raise TransferFailed(f"{what}: {reason}") from exc.__cause__
        except TransferFailed as exc:
            raise TransferFailed(f"{what}: {exc}") from exc.__cause__


def begin(source: Place, target: Place, move: Callable[[], Any] | None) -> tuple[str, str]:
    """What happens before the electron: prepare both ends, and transfer if it is time.

    Returns:
        Where the files are, for the electron's parameter `files`.

    """
    first, second = source.here(), target.here()
    ends = first, replace(second, folder=second.folder or first.folder)
    for end in ends:
        end.prepare()
    if move is not None:
        move()
    return ends[0].path, ends[1].path
