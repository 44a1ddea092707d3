"""The environment that LocalStack runs in, made from two lock files with hashes.

<environment>/                      Python 3.13 with LocalStack and our plugin
<environment>/runtimes/python3.12/  what a Lambda function finds beside its own code: awslambdaric and boto3
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from covalent_contracts.errors import Unavailable
from covalent_localstack.host import pythons
from covalent_runner import processes

ENVIRONMENT = "COVALENT_LOCALSTACK_VENV"
"""The environment variable that says where it is, if not in `.venv-localstack` of the checkout."""
_PACKAGE = Path(__file__).parents[1]
_SHARED = ("batch", "ecs", "interpreter", "launcher", "patching", "programs", "threads")
"""Modules of the embedded AWS that the plugin needs, with `covalent_runner.processes`: what runs containers."""
_DIST_INFO = "covalent_localstack_community-1.dist-info"
# LocalStack knows a hook by the name of its function, so two must not have the same.
_ENTRY_POINTS = """\
[localstack.lambda.runtime_executor]
subprocess = covalent_localstack.community.executor:SubprocessExecutorPlugin
[localstack.hooks.on_infra_start]
repair_api_gateway = covalent_localstack.community.identity:repair_api_gateway
repair_step_functions = covalent_localstack.community.definitions:repair_step_functions
repair_stopped_executions = covalent_localstack.community.stopping:repair_stopped_executions
repair_jobs = covalent_localstack.community.jobs:repair_jobs
[localstack.aws.provider]
dynamodb:moto = covalent_localstack.community.providers:dynamodb
dynamodbstreams:moto = covalent_localstack.community.providers:dynamodbstreams
batch:default = covalent_localstack.community.providers:batch
ecs:default = covalent_localstack.community.providers:ecs
ecr:default = covalent_localstack.community.providers:ecr
"""
_METADATA = """\
Metadata-Version: 2.1
Name: covalent-localstack-community
Version: 1
"""

Tell = Callable[[str], None]


def environment() -> Path:
    """Where LocalStack is, or will be, installed."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named).absolute()
    checkout = Path(__file__).parents[3]
    if (checkout / "localstack" / "requirements.lock").exists():
        return checkout / ".venv-localstack"
    return Path.home() / ".cache" / "covalent" / "localstack"


def is_installed(where: Path) -> bool:
    """Whether LocalStack is there as the lock files have it."""
    stamp = where / ".ready"
    return stamp.exists() and stamp.read_text() == _fingerprint()


def install(where: Path, tell: Tell) -> None:
    """Make the environment, unless it is there.

    Raises:
        Unavailable: Python 3.13 or uv is not on this machine, or a package cannot be had; the message says what to do.

    """
    if is_installed(where):
        return
    tell(f"Installing LocalStack into {where}; the first time this takes a minute or two.")
    _fill(where, _python_for_localstack(), _lock("requirements.lock"))
    for version in pythons.RUNTIMES:
        found = pythons.find(version)
        if found is None:
            tell(f"Python {version} is not on this machine: functions for it will say so.")
            continue
        _fill(where / "runtimes" / f"python{version}", found, _lock("runtimes.lock"))
    (where / ".ready").write_text(_fingerprint())


def install_plugin(where: Path) -> None:
    """Put the plugin into LocalStack's environment as it is now; no download, no build."""
    write_plugin(next((where / "lib").glob("python3.*/site-packages")))


def write_plugin(folder: Path) -> None:
    """Write the plugin into a folder of packages, in place of an older one."""
    ours, runner = folder / "covalent_localstack", folder / "covalent_runner"
    for package in (ours, runner):
        shutil.rmtree(package, ignore_errors=True)
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
    for name in _SHARED:
        shutil.copy(_PACKAGE / f"{name}.py", ours)
    shutil.copy(processes.__file__, runner)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(_PACKAGE / "community", ours / "community", ignore=ignored)
    info = folder / _DIST_INFO
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(_METADATA)
    (info / "entry_points.txt").write_text(_ENTRY_POINTS)


def _python_for_localstack() -> Path:
    found = pythons.find(pythons.LOCALSTACK)
    if found is None:
        raise Unavailable(
            f"LocalStack needs Python {pythons.LOCALSTACK}, which is not on this machine: "
            f"install it with `uv python install {pythons.LOCALSTACK}` or `pyenv install {pythons.LOCALSTACK}`"
        )
    return found


def _fill(where: Path, interpreter: Path, lock: Path) -> None:
    if not (where / "bin" / "python").exists():
        _run(
            pythons.uv(),
            "venv",
            "--quiet",
            "--no-project",
            "--python",
            str(interpreter),
            str(where),
        )
    target = str(where / "bin" / "python")
    _run(pythons.uv(), "pip", "sync", "--quiet", "--require-hashes", "--python", target, str(lock))


def _run(*command: str) -> None:
    # As pip: a company's proxy signs with its own.
    environment = {"UV_SYSTEM_CERTS": "true", **os.environ}
    done = subprocess.run(  # noqa: S603  # uv
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Unavailable(f"LocalStack cannot be installed: {' '.join(command)}\n{done.stderr}")


def _lock(name: str) -> Path:
    """A lock file: beside this module in the wheel, in `localstack/` of a checkout."""
    here = Path(__file__).parent / name
    return here if here.exists() else Path(__file__).parents[2] / name


def _fingerprint() -> str:
    content = b"".join(_lock(name).read_bytes() for name in ("requirements.lock", "runtimes.lock"))
    return hashlib.sha256(content).hexdigest()
