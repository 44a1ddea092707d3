"""Azure and Google Cloud, as far as the executors know them, with room for every job.

`python -m tests.clouds.world COMMAND...` runs a command in a world that has them.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.clouds import azure, functions, google, google_tasks
from tests.clouds.containers import removed
from tests.clouds.internet import Answer, Request, Site, certificate, internet

APP = "my-app.azurewebsites.net"


@contextmanager
def world(folder: Path) -> Iterator[None]:
    """Have this process and its children find the clouds, and a machine that is logged in to Google's."""
    account = azure.Account(azure.pool(), has_nodes=True)
    batch = google.Batch(has_vms=True)
    homes = [folder / name for name in ("google", "azure", "tls")]
    for home in homes:
        home.mkdir()
    key = folder / "google.json"
    key.write_text(google.key())
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        port = stack.enter_context(functions.google_function(homes[0]))
        host = stack.enter_context(functions.azure_host(homes[1]))
        tasks = google_tasks.Cloud(lambda: port, log=google_tasks.log_of(homes[0]))

        def logs(request: Request) -> Answer:
            return (tasks if b"covalent_job" in request.body else batch).logs(request)

        sites: dict[str, Site] = {
            azure.ACCOUNT: account,
            "login.microsoftonline.com": azure.Login(),
            APP: functions.forwarded(lambda: host),
            **google_tasks.sites(tasks),
            "batch.googleapis.com": batch,
            "logging.googleapis.com": logs,
        }
        patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
        stack.enter_context(internet(certificate(homes[2]), sites, patch))
        yield
        removed([task.container for task in account.tasks.values()])
        removed([run.container for run in batch.runs.values()])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="clouds-") as found, world(Path(found)):
        code = subprocess.call(sys.argv[1:])
    sys.exit(code)
