"""What each kind of zip holds, and what it must not.

runner         the runner, the contracts, cloudpickle. boto3 is Lambda's own: it is compiled and cached on the host
               already, which is what most of a cold start is made of, the runner needs no newer one, and electrons
               that want another ask for it (`deps_pip`).
builder        the runner, and the SDK without its command and what that deploys: for graphs of sublattices, and for
               electrons that name Covalent itself.
control-plane  what `app.py` imports. botocore is ours, because pynamodb and Powertools are locked with it, but with
               the services that the control plane calls only: 20 MB less to download at a cold start. Whatever
               pickles stays out. Of Chalice, what runs; the rest is the command.
job            the builder with boto3: for machines where nothing of it is there, as instances of EC2.
image          the same with Lambda's interface client: for containers.
braket         the runner as a .tar.gz, which is what hybrid jobs of Braket fetch; their containers have boto3.
bridge         what submits jobs in other places, with the packages of the vendors. It unpickles nothing, but sends
               cloudpickle on its way with the runner.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from covalent._deploy import sources

MEGABYTE = 1024 * 1024
SERVICES = frozenset(
    {
        *("braket", "dynamodb", "ec2", "events", "lambda"),
        *("s3", "scheduler", "sts", "stepfunctions"),
    }
)
"""What the control plane's botocore can call."""

_NOISE = frozenset({"__pycache__", "tests", "bin"})
_DISTRIBUTION = frozenset({"METADATA", "entry_points.txt", "licenses", "LICENSE", "NOTICE"})
"""What stays of a distribution's own folder: the rest tells how and when it was installed."""


@dataclass(frozen=True)
class Contents:
    """What one kind of zip holds.

    packages are ours; without names their modules and folders that stay out. lock names what is installed beside them.
    has_application adds `app.py`, and the version that `/health` tells. zipped and unzipped bound the bytes.
    """

    lock: str
    packages: tuple[str, ...]
    without: Mapping[str, frozenset[str]] = field(default_factory=dict)
    has_application: bool = False
    zipped: int = MEGABYTE
    unzipped: int = 4 * MEGABYTE

    def sources(self) -> Iterator[tuple[Path, Path]]:
        """Every file of ours, where it is and where it goes, in one order."""
        if self.has_application:
            yield sources.application(), Path("app.py")
        for name in self.packages:
            folder = sources.package(name)
            for path in sorted(folder.rglob("*.py")):
                inside = path.relative_to(folder)
                if not {inside.as_posix(), inside.parts[0]} & self.without.get(name, frozenset()):
                    yield path, Path(name) / inside


RUNNER = Contents(lock="runner", packages=("covalent_contracts", "covalent_runner"))
BUILDER = Contents(
    lock="builder",
    packages=("covalent", "covalent_contracts", "covalent_executors", "covalent_runner"),
    without={"covalent": frozenset({"_cli", "_deploy", "_programmatic"})},
    zipped=8 * MEGABYTE,
    unzipped=32 * MEGABYTE,
)
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
CONTROL_PLANE = Contents(
    lock="control-plane",
    packages=(
        "covalent_contracts",
        "covalent_control_plane",
        "covalent_executors",
        "covalent_step_functions",
    ),
    without={"covalent_contracts": frozenset({"pickling.py"})},
    has_application=True,
    zipped=50 * MEGABYTE,
    unzipped=250 * MEGABYTE,
)
JOB = replace(BUILDER, lock="job", zipped=50 * MEGABYTE, unzipped=250 * MEGABYTE)
IMAGE = replace(JOB, lock="image")
BRIDGE = Contents(
    lock="bridge",
    packages=("covalent_bridge", "covalent_contracts", "covalent_executors", "covalent_runner"),
    zipped=50 * MEGABYTE,
    unzipped=250 * MEGABYTE,
)
KINDS: Mapping[str, Contents] = {
    "runner": RUNNER,
    "builder": BUILDER,
    "control-plane": CONTROL_PLANE,
    "job": JOB,
    "image": IMAGE,
    "braket": RUNNER,
    "bridge": BRIDGE,
}


def put_sources(contents: Contents, folder: Path, version: str) -> None:
    """Copy our own part into a folder."""
    for source, inside in contents.sources():
        target = folder / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    if contents.has_application:
        told = folder / f"covalent_serverless-{version}.dist-info" / "METADATA"
        told.parent.mkdir()
        told.write_text(f"Metadata-Version: 2.1\nName: covalent-serverless\nVersion: {version}\n")


def strip(folder: Path, contents: Contents) -> None:
    """Remove from installed packages what no function needs, and what would differ from one build to the next."""
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder before the folder
        inside = path.relative_to(folder)
        if _is_noise(inside) or (contents.has_application and _is_unused(inside)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_noise(path: Path) -> bool:
    if path.parts[0].endswith(".dist-info"):
        return len(path.parts) > 1 and path.parts[1] not in _DISTRIBUTION
    return bool(_NOISE & {*path.parts}) or path.name.startswith(".")


def _is_unused(path: Path) -> bool:
    match path.parts:
        case ("botocore", "data", service, *_) if not service.endswith(".json"):
            return service not in SERVICES
        case ("chalice", name, *_):
            return name not in ("__init__.py", "app.py")
        case _:
            return False
