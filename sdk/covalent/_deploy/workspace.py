"""The folder that Terraform works in: one for each deployment, made again from our modules at each call.

main.tf.json             calls the module, configures provider and state, and passes outputs on
terraform.tfvars.json    the variables; never a secret
module/                  a copy of our modules, so that what is deployed can be removed by any later version
artifacts/               the zips
deployment.json          what is remembered: settings, version, time
terraform.tfstate        the state, unless it is in S3
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covalent._deploy.errors import InvalidSetting, StateLocked
from covalent._shared_files.defaults import data_dir

OUTPUTS = (
    "endpoint", "region", "bucket", "table", "runners", "prefix", "version", "dashboard_url",
)  # fmt: skip
"""Outputs of the module that are passed on."""
_LEFT_OUT = shutil.ignore_patterns("tests", "examples", ".terraform*", "*.tfstate*", "*.md")
_VARIABLE = re.compile(r'^variable\s+"(\w+)"', re.MULTILINE)
_RESOURCE = re.compile(r'^resource\s+"(\w+)"', re.MULTILINE)
_CALL = re.compile(r'^module\s+"\w+"\s*\{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
_SOURCE = re.compile(r'^\s*source\s*=\s*"(\./[^"]+)"', re.MULTILINE)
_COUNT = re.compile(r"^\s*count\s*=", re.MULTILINE)
_PRIVATE = 0o700


@dataclass(frozen=True)
class Workspace:
    """One deployment's folder."""

    folder: Path

    @classmethod
    def of(cls, account: str, region: str, prefix: str) -> "Workspace":
        """Where the deployment of that name is."""
        return cls(root() / account / region / prefix)

    def __str__(self) -> str:
        return "/".join(self.folder.parts[-3:])

    @property
    def artifacts(self) -> Path:
        """Where the zips are."""
        return self.folder / "artifacts"

    @property
    def module(self) -> Path:
        """Where the copy of our modules is."""
        return self.folder / "module"

    @property
    def is_there(self) -> bool:
        """Whether it was deployed, or half deployed, from this machine."""
        return self._memory.exists()

    @property
    def is_written(self) -> bool:
        """Whether Terraform has something to read."""
        return (self.folder / "main.tf.json").exists() and self.module.is_dir()

    @property
    def _memory(self) -> Path:
        return self.folder / "deployment.json"

    def remembered(self) -> dict[str, Any]:
        """What was remembered last; nothing the first time."""
        try:
            return dict(json.loads(self._memory.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    def deployed_types(self) -> list[str]:
        """Terraform's type of each resource that is deployed; none if the state is not in the folder."""
        try:
            document = json.loads((self.folder / "terraform.tfstate").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        return [
            str(each["type"])
            for each in document.get("resources", ())
            if each["mode"] == "managed"
            for _ in each["instances"]
        ]

    def remember(self, **values: Any) -> None:
        """Remember more, or something else."""
        _write(self._memory, {**self.remembered(), **values})

    def write(
        self,
        source: Path,
        variables: Mapping[str, Any],
        provider: Mapping[str, Any],
        backend: Mapping[str, Any],
    ) -> None:
        """Write what Terraform reads.

        Args:
            source: our Terraform root module.
            variables: of the module, by name.
            provider: configuration by name of the provider.
            backend: configuration by name of the backend.

        Raises:
            InvalidSetting: the module has no such variable.

        """
        self._check(source, variables)
        shutil.rmtree(self.module, ignore_errors=True)
        shutil.copytree(source, self.module, ignore=_LEFT_OUT)
        _write(self.folder / "main.tf.json", _root(variables, provider, backend))
        _write(self.folder / "terraform.tfvars.json", variables)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder, made if need be.

        Raises:
            StateLocked: another process of this machine does.

        """
        self.folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise StateLocked(
                    "Another `covalent deploy` works on this deployment.", "Wait until it ends."
                ) from exc
            yield

    def remove(self) -> None:
        """Forget the deployment."""
        shutil.rmtree(self.folder)
        for parent in (self.folder.parent, self.folder.parent.parent):
            with contextlib.suppress(OSError):  # others are in there
                parent.rmdir()

    @staticmethod
    def _check(source: Path, variables: Mapping[str, Any]) -> None:
        known = _found_in(source.glob("*.tf"), _VARIABLE)
        for name in variables:
            if name not in known:
                raise InvalidSetting(
                    f"the Terraform module has no variable {name}",
                    f"It has {', '.join(sorted(known))}.",
                )


def root() -> Path:
    """Where the deployments made from this machine are."""
    return data_dir() / "deployments"


def known(region: str = "*", prefix: str = "*") -> list[Workspace]:
    """The deployments made from this machine, all or those of a region and prefix."""
    found = root().glob(f"*/{region}/{prefix}/deployment.json")
    return [Workspace(path.parent) for path in sorted(found)]


def usual_types(module: Path) -> list[str]:
    """The type of each resource block that a module uses without being asked for more, whatever its count.

    A part that is made only on demand is called with a `count`.
    """
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(module.glob("*.tf")))
    used = [_SOURCE.search(body) for body in _CALL.findall(code) if not _COUNT.search(body)]
    places = [module, *(module / found[1] for found in used if found)]
    return [kind for place in places for kind in types_in(place)]


def types_in(folder: Path) -> list[str]:
    """The type of each resource block in a folder; those of modules that are called there are not in it."""
    plain = _found_in(sorted(folder.glob("*.tf")), _RESOURCE)
    for path in sorted(folder.glob("*.tf.json")):
        blocks = json.loads(path.read_text(encoding="utf-8")).get("resource", {})
        plain += [kind for kind, each in blocks.items() for _ in each]
    return plain


def _found_in(files: Iterable[Path], pattern: re.Pattern[str]) -> list[str]:
    return [name for path in files for name in pattern.findall(path.read_text(encoding="utf-8"))]


def _root(
    variables: Mapping[str, Any], provider: Mapping[str, Any], backend: Mapping[str, Any]
) -> dict[str, Any]:
    """The root module, in Terraform's JSON."""
    document: dict[str, Any] = {
        "terraform": {"backend": backend},
        "variable": {name: {} for name in variables},
        "module": {
            "covalent": {"source": "./module", **{name: f"${{var.{name}}}" for name in variables}}
        },
        "output": {name: {"value": f"${{module.covalent.{name}}}"} for name in OUTPUTS},
    }
    return {**document, "provider": provider} if provider else document


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """Replace a file in one step."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    os.replace(fresh, path)  # noqa: PTH105  # on one file system: atomic
