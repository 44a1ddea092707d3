"""The server of this machine."""

import shutil
from collections.abc import Iterator

from covalent._dispatch.address import Endpoint
from covalent._dispatch.checkup.finding import Finding, failed, ok, skipped
from covalent._programmatic import commands, server

LEAST_FREE = 1024**3
"""Bytes under which a disk is as good as full: results, logs and journals need some room."""


def machine(endpoint: Endpoint) -> Iterator[Finding]:
    """Its workers, and the room for what it keeps."""
    place = commands.place()
    running = server.find(place)
    if running is None or running.port != endpoint.port:
        yield skipped("server", "none of `covalent start` runs there with this configuration")
        return
    yield ok("server", f"process {running.pid}, {running.workers} workers")
    free = shutil.disk_usage(place.data_dir).free
    detail = f"{free / 1024**3:.1f} GiB free for {place.data_dir}"
    cure = "Make room, or remove old results: `covalent purge`"
    yield ok("disk", detail) if free >= LEAST_FREE else failed("disk", detail, cure)
