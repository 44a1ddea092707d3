"""What one worker process of the local server may use, by flag or by the `[dask]` section of the configuration."""

import re
from dataclasses import dataclass

from covalent._shared_files.config import get_config
from covalent._shared_files.exceptions import InvalidConfig

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt]?)i?b)?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
LEAST = 128 * 2**20
_UNLIMITED = ("auto", "")
_MEMORY, _THREADS = "--worker-memory", "--worker-threads"


@dataclass(frozen=True)
class Limits:
    """Bytes of memory, and threads that numerical libraries start; 0 is no limit."""

    memory: int = 0
    threads: int = 0

    def options(self) -> list[str]:
        """As the server's command line has them."""
        return [_MEMORY, str(self.memory), _THREADS, str(self.threads)]


UNLIMITED = Limits()


def of_command(command: str) -> Limits:
    """Read them from a command line."""
    found = {name: re.search(rf"{name} (\d+)", command) for name in (_MEMORY, _THREADS)}
    memory, threads = (int(each[1]) if each else 0 for each in found.values())
    return Limits(memory, threads)


def chosen(memory: str | None, threads: int | None) -> Limits:
    """Those asked for, else those of the configuration.

    Raises:
        ValueError: the memory asked for is no size.
        InvalidConfig: something in the configuration is no size, or no number.

    """
    known = get_config("dask")
    try:
        configured = Limits(
            to_bytes(str(known.get("mem_per_worker", ""))), int(known.get("threads_per_worker", 0))
        )
    except ValueError as exc:
        raise InvalidConfig(f"[dask] in {get_config('sdk.config_file')}: {exc}") from exc
    return Limits(
        configured.memory if memory is None else to_bytes(memory),
        configured.threads if threads is None else threads,
    )


def to_bytes(text: str) -> int:
    """A size as "1gb" or "512MiB"; a plain number is in GB, "auto" and 0 are no limit.

    Raises:
        ValueError: it is no size, or less than a worker needs.

    """
    if text.strip().lower() in _UNLIMITED:
        return 0
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no size of memory: write 1GB, 512MB or 0")
    unit = "g" if found[2] is None else found[2].lower()
    size = int(float(found[1]) * _FACTORS[unit])
    if 0 < size < LEAST:
        raise ValueError(f"{text!r} is too little: the runner itself needs {LEAST // 2**20} MB")
    return size
