"""Jobs of Batch and tasks of ECS: processes of this machine, whatever their image, as in the embedded AWS.

What names `python` gets the interpreter that has started LocalStack, because the SDK and the runner are beside it.
"""

import os
import threading
from contextlib import ExitStack
from pathlib import Path
from tempfile import gettempdir

from localstack.config import GATEWAY_LISTEN
from localstack.runtime.shutdown import SHUTDOWN_HANDLERS

from covalent_localstack import programs
from covalent_localstack.community import pool
from covalent_localstack.community.worker import of_processes

PYTHON = "COVALENT_CONTAINER_PYTHON"
"""The environment variable that names the interpreter. In Docker there is none, and nothing runs."""
_lock = threading.Lock()
_has_begun = threading.Event()


def install() -> None:
    """Have jobs and tasks run, until LocalStack ends."""
    python = os.environ.get(PYTHON)
    with _lock:
        if python and not _has_begun.is_set():
            _begin(python)
            _has_begun.set()


def _begin(python: str) -> None:
    from covalent_localstack import batch, ecs  # noqa: PLC0415  # they bring half of moto

    ending = ExitStack()
    SHUTDOWN_HANDLERS.register(ending.close)
    log = Path(gettempdir(), "containers.log")
    ending.enter_context(programs.running(pool.size(), environment(), log, python))
    batch.install(makes_missing=False)
    ecs.install(makes_missing=False)


def environment() -> dict[str, str]:
    """What a container finds in its environment beside what its definition says: the way to LocalStack."""
    return {
        **of_processes(),
        "PYTHONUNBUFFERED": "1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{GATEWAY_LISTEN[0].port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
