"""PyPI packages to be installed before an electron runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from covalent._workflow.deps import Deps, pip_install, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class DepsPip(Deps):
    """PyPI packages to install before an electron runs, in its environment.

    Args:
        packages: requirements as pip takes them, one or several.
        reqs_path: a requirements file, read here and now; it overrides `packages`.

    Raises:
        TypeError: a requirement is not text.
        OSError: the requirements file cannot be read.

    """

    def __init__(
        self,
        packages: str | Sequence[str] = [],  # the documented default; copied
        reqs_path: str | Path = "",
    ) -> None:
        self.reqs_path = str(reqs_path)
        if self.reqs_path:
            self.packages = _requirements(Path(self.reqs_path).expanduser())
        else:
            self.packages = texts(packages, "DepsPip takes requirements")
        super().__init__(pip_install, [self.packages])

    def to_dict(self) -> dict[str, Any]:
        """A JSON-serializable representation."""
        attributes = {"packages": list(self.packages), "reqs_path": self.reqs_path}
        return {"type": "DepsPip", "short_name": "pip", "attributes": attributes}

    def from_dict(self, object_dict: Mapping[str, Any]) -> Self:
        """Take over what `to_dict` gave; the file it was read from is not read again."""
        attributes = object_dict["attributes"]
        DepsPip.__init__(self, attributes["packages"])
        self.reqs_path = attributes.get("reqs_path", "")
        return self


def _requirements(path: Path) -> list[str]:
    """The requirements in a file, as pip reads them: no comments, lines joined at a trailing backslash."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (_without_comment(line) for line in text.splitlines())
    return [line for line in lines if line]


def _without_comment(line: str) -> str:
    """Pip takes `#` for a comment at the start of a line or after a space: URLs may hold one."""
    if line.lstrip().startswith("#"):
        return ""
    return line.partition(" #")[0].strip()
