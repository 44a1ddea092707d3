"""The embedded AWS: one process, one port on 127.0.0.1, worker processes for electrons.

front      http_server | loopback -> server -> api_gateway (the Chalice app) | item_requests, s3 | moto
lambdas    pool of worker processes; handlers of the control plane in threads
events     execution status events -> finisher
journal    items and objects on disk

There is one at a time in a process: moto's state is global, and is reset when the stack stops.
"""

import errno
import gc
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module, util
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from covalent_contracts.records import TRIGGER
from covalent_contracts.status import Status
from covalent_localstack import environment
from covalent_localstack.http_server import Server
from covalent_localstack.journal import Journal

if TYPE_CHECKING:
    from covalent_localstack.watching import Watching

CRASHED = "The local server stopped while the dispatch was running."
HALT_SECONDS = 2
"""What a stopped execution gets to notice it."""
STOPPED = "The local server was stopped while the dispatch was running."


class PortInUse(RuntimeError):
    """Something else listens on the port."""


class EmbeddedAws:
    """The offline deployment.

    Args:
        data_dir: where state is kept; one server at a time.
        port: the port on 127.0.0.1; 0 for any.
        next_free_port: take the next one when the port is taken.
        workers: processes that run electrons.
        token: what callers must know.
        triggers: whether triggers fire.

    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        next_free_port: bool = False,
        workers: int = max(4, os.cpu_count() or 1),
        token: str,
        triggers: bool = True,
    ) -> None:
        self.token = token
        self._has_triggers = triggers
        self._data_dir = data_dir
        self._wanted = port
        self._next_free = next_free_port
        self._workers = workers
        self._open = ExitStack()
        self._server: Server | None = None
        self._journal: Journal | None = None
        self._watching: Watching | None = None

    @property
    def port(self) -> int:
        """The port that is listened on.

        Raises:
            RuntimeError: the stack is not running.

        """
        if self._server is None:
            raise RuntimeError("the embedded AWS is not running")
        return self._server.port

    @property
    def address(self) -> str:
        """What to send requests to."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "EmbeddedAws":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start serving.

        Raises:
            covalent_localstack.journal.DataDirInUse: another server owns the data folder.
            PortInUse: the port is taken, and no other may be.

        """
        with ExitStack() as opened:
            journal = Journal(self._data_dir)
            opened.callback(journal.close)
            front = _LazyFront()
            server = self._bind(front)
            opened.callback(server.server_close)
            self._server = server
            settings = environment.variables(self.address, self.token)
            settings |= environment.of_triggers() if self._has_triggers else {}
            opened.enter_context(environment.applied(settings))
            front.build(lambda: self._assemble(opened, journal, settings))
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            opened.callback(server.shutdown)
            self._journal = journal
            self._end_interrupted(CRASHED)
            has_triggers = self._has_triggers and journal.has_items(environment.TABLE, TRIGGER)
            warm = (self._resume_triggers,) if has_triggers else ()
            threading.Thread(target=_warm_app, args=warm, daemon=True).start()
            opened.callback(gc.unfreeze)
            self._open = opened.pop_all()

    def stop(self) -> None:
        """Stop: end running dispatches as interrupted, kill the workers, release the data folder."""
        if self._journal is not None:
            if self._watching is not None:
                self._watching.stop()  # or it would fire at a server that goes away
            _halt()
            self._end_interrupted(STOPPED)
            self._journal = None
        self._open.close()
        self._server = None

    def _end_interrupted(self, reason: str) -> None:
        """Have the control plane end dispatches that still run as FAILED."""
        final = [status.value for status in Status if status.is_final]
        if self._journal is None or not self._journal.has_unfinished(environment.TABLE, final):
            return
        import_module("covalent_control_plane.interrupted").fail_interrupted(reason)

    def _resume_triggers(self) -> None:
        """Have the triggers fire that were registered before the server stopped."""
        control_plane = import_module("covalent_control_plane.triggers")
        resumed = control_plane.resume(import_module("covalent_control_plane.aws").aws())
        if self._watching is not None and "watched" in resumed.values():
            self._watching.look()

    def _bind(self, application: Any) -> Server:
        port = self._wanted
        while True:
            try:
                return Server(port, application)
            except OSError as exc:
                if exc.errno != errno.EADDRINUSE:
                    raise
                if not self._next_free:
                    raise PortInUse(f"port {port} is taken") from exc
                port += 1

    def _assemble(self, opened: ExitStack, journal: Journal, settings: dict[str, str]) -> Any:
        """Repair moto, make the deployment, and put the front before it."""
        from covalent_localstack import (  # noqa: PLC0415  # moto takes a second to import
            bootstrap,
            braket,
            dynamodb,
            events,
            lambdas,
            loopback,
            patching,
            programs,
            s3,
            s3_events,
            scheduler,
            step_functions,
        )
        from covalent_localstack.api_gateway import Gateway  # noqa: PLC0415  # as above
        from covalent_localstack.pool import WorkerPool  # noqa: PLC0415  # as above
        from covalent_localstack.server import Front  # noqa: PLC0415  # as above
        from covalent_localstack.watching import Watching  # noqa: PLC0415  # as above

        work_dir = opened.enter_context(_emptied(self._data_dir / "work"))
        seen = environment.of_workers(settings, work_dir)
        pool = WorkerPool(
            self._workers,
            seen,
            self._data_dir / "workers.log",
            environment.RUNNER_HANDLER,
        )
        runtime = lambdas.Runtime(pool)
        opened.callback(runtime.close)
        pool.warm()
        seen = environment.of_containers(seen)
        log = self._data_dir / "programs.log"
        opened.enter_context(programs.running(self._workers, seen, log))
        opened.callback(braket.forget)
        opened.callback(patching.undo)
        for module in (
            patching,
            lambdas,
            dynamodb,
            s3,
            s3_events,
            events,
            scheduler,
            step_functions,
        ):
            module.install()
        _reset_moto()
        opened.callback(_reset_moto)
        table = bootstrap.make()
        lambdas.use(runtime)
        opened.callback(lambdas.use, None)
        if self._has_triggers:
            opened.enter_context(scheduler.running())
        dynamodb.attach(journal, table)
        opened.callback(dynamodb.detach)
        objects = s3.ObjectStore(journal)
        s3.use(objects)
        opened.callback(s3.use, None)
        front = Front(self.token, Gateway(_load_app), objects)
        front.port = self.port
        if self._has_triggers:
            self._watching = Watching(self.address, self.token, self._data_dir / "triggers.log")
            opened.callback(self._watching.stop)
            front.told = self._watching.saw
        opened.enter_context(loopback.installed(loopback.Loopback(self.address, front)))
        return front


class _LazyFront:
    """The application while it is being made: requests wait."""

    def __init__(self) -> None:
        self._application: Any = None

    def build(self, make: Callable[[], Any]) -> None:
        self._application = make()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self._application(environ, start_response)


@contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    """A folder without what killed workers left in it, before and after."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _halt() -> None:
    """End what runs, so that nothing is written any more and no failure is worth a line in the log."""
    from covalent_localstack import executions, lambdas, programs  # noqa: PLC0415  # see _assemble

    executions.halt_all()
    programs.current().close()
    lambdas.current().close()
    for thread in threading.enumerate():
        if "_execution_logic" in thread.name:  # moto's; without the repairs it would go on noisily
            thread.join(HALT_SECONDS)


def _reset_moto() -> None:
    from moto.core.base_backend import BackendDict  # noqa: PLC0415  # see _assemble

    from covalent_localstack import service_integrations  # noqa: PLC0415  # as above

    service_integrations.forget_clients()
    control_plane = sys.modules.get("covalent_control_plane.aws")
    forget = getattr(control_plane, "forget", None)  # a stop may come while it is being imported
    if forget is not None:  # its clients have the address and token of the stack before
        forget()
    BackendDict.reset()


@cache
def _load_app() -> Any:
    """The Chalice app of the control plane."""
    return import_module("covalent_control_plane.application").app


def _warm_app(then: Callable[[], None] | None = None) -> None:
    """Import the control plane before the first request needs it, and do what needs it."""
    if util.find_spec("covalent_control_plane.application") is not None:
        _load_app()
        if then is not None:
            then()
    gc.freeze()  # else each full collection visits all that was imported: 0.1 s in the middle of a request
