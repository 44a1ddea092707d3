"""Function apps that run: what is deployed, unpacked into a folder, in a process of its own."""

import io
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.clouds.internet import Answer, Request, Site

from covalent_executors import function_app

_HOST = Path(__file__).with_name("durable_host.py")


def unpacked(cloud: str, folder: Path) -> Path:
    """What is deployed, in a folder."""
    with zipfile.ZipFile(io.BytesIO(function_app.archive(cloud))) as archive:
        archive.extractall(folder)
    return folder


@contextmanager
def azure_host(folder: Path) -> Iterator[int]:
    """The function app on Azure's host, or what stands for it; its port."""
    command = [sys.executable, str(_HOST), str(unpacked("azure", folder))]
    with _running(command, folder, int) as port:
        yield port


@contextmanager
def google_function(folder: Path) -> Iterator[int]:
    """The function on Google's functions-framework; its port."""
    code = (
        "import functions_framework, sys\n"
        "from werkzeug.serving import make_server\n"
        "app = functions_framework.create_app('covalent_electron', 'main.py')\n"
        "server = make_server('127.0.0.1', 0, app, threaded=True)\n"
        "print('port', server.server_port, flush=True)\n"
        "sys.stdout = open('output.log', 'w', buffering=1)\n"
        "server.serve_forever()\n"
    )
    unpacked("google", folder)
    with _running([sys.executable, "-c", code], folder, _port) as port:
        yield port


def _port(line: str) -> int:
    found = re.fullmatch(r"port (\d+)\n", line)
    assert found, line
    return int(found[1])


@contextmanager
def _running(command: list[str], folder: Path, read: Callable[[str], int]) -> Iterator[int]:
    environment = {
        "PATH": os.environ["PATH"],
        "COVALENT_WATCH_SECONDS": "0.3",
    }
    log = (folder / "host.log").open("w")
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "host.log").read_text()
        yield read(line)
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        log.close()


def forwarded(port: Callable[[], int]) -> Site:
    """A site that is served by a process of its own."""

    def site(request: Request) -> Answer:
        query = urlencode(request.query)
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port()}{request.path}?{query}",
            data=request.body or None,
            headers={"Content-Type": "application/json"},
            method=request.method,
        )
        try:
            with urllib.request.urlopen(asked) as answer:
                return Answer(answer.status, answer.read())
        except urllib.error.HTTPError as exc:
            return Answer(exc.code, exc.read())

    return site
