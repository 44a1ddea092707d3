"""The control plane as Python calls: one method per route of `covalent_contracts.api`."""

import atexit
import json
import os
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from covalent._dispatch import address
from covalent._dispatch.connection import Connection
from covalent._version import __version__
from covalent_contracts import api, manifest
from covalent_contracts import triggers as documents
from covalent_contracts.errors import CovalentError, NewerWire, Unavailable

if TYPE_CHECKING:
    from covalent_contracts.manifest import Manifest

HEALTH = f"{api.PREFIX}/health"
DocumentT = TypeVar("DocumentT", bound=BaseModel)


class Client:
    """Calls the API of one control plane. Threads may share it.

    Every method raises the errors of `covalent_contracts.errors`, the same class that the control plane raised.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def register(self, document: "Manifest") -> api.Registered:
        """Store a manifest as a draft; the answer says which objects still lack. Repeating it is harmless."""
        body = document.model_dump_json().encode()
        return self._ask(api.Registered, "POST", "/dispatches", body)

    def start(self, dispatch_id: str, *, run: bool = True) -> api.Summary:
        """Make a draft a dispatch, and run it unless told not to.

        Raises:
            Conflict: objects are missing, or the dispatch is past that.

        """
        params = None if run else {"run": "false"}
        return self._ask(api.Summary, "POST", f"{_path(dispatch_id)}/start", params=params)

    def cancel(self, dispatch_id: str, task_ids: Sequence[int] | None = None) -> api.Cancelled:
        """Cancel a dispatch, or only some of its tasks. Repeating it is harmless."""
        asked = {} if task_ids is None else {"task_ids": list(task_ids)}
        body = json.dumps(asked).encode()
        return self._ask(api.Cancelled, "POST", f"{_path(dispatch_id)}/cancel", body)

    def dispatches(self, limit: int = 50, cursor: str | None = None) -> api.Listing:
        """The caller's dispatches, newest first."""
        params = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        return self._ask(api.Listing, "GET", "/dispatches", params=params)

    def summary(self, dispatch_id: str) -> api.Summary:
        """One dispatch."""
        return self._ask(api.Summary, "GET", _path(dispatch_id))

    def manifest(self, dispatch_id: str) -> api.Download:
        """Where the manifest of a dispatch lies."""
        return self._ask(api.Download, "GET", f"{_path(dispatch_id)}/manifest")

    def nodes(self, dispatch_id: str, request: api.NodesRequest) -> api.Nodes:
        """Records of nodes, at most one page of them."""
        body = request.model_dump_json(exclude_none=True).encode()
        return self._ask(api.Nodes, "POST", f"{_path(dispatch_id)}/nodes", body)

    def assets(self, dispatch_id: str, digests: Sequence[str]) -> api.Downloads:
        """Where objects of the manifest lie, in the order asked for."""
        body = api.AssetsRequest(digests=list(digests)).model_dump_json().encode()
        return self._ask(api.Downloads, "POST", f"{_path(dispatch_id)}/assets", body)

    def readers(self, dispatch_id: str) -> api.Sharing:
        """Whom a dispatch of the caller's is shared with."""
        return self._ask(api.Sharing, "GET", f"{_path(dispatch_id)}/sharing")

    def share(self, dispatch_id: str, wanted: api.Sharing) -> api.Sharing:
        """Share a dispatch of the caller's with these principals and no others."""
        body = wanted.model_dump_json().encode()
        return self._ask(api.Sharing, "PUT", f"{_path(dispatch_id)}/sharing", body)

    def add_trigger(self, new: documents.NewTrigger) -> documents.Trigger:
        """Attach a trigger to a dispatch. Repeating it is harmless."""
        return self._ask(documents.Trigger, "POST", "/triggers", new.model_dump_json().encode())

    def triggers(
        self, dispatch_id: str | None = None, cursor: str | None = None
    ) -> documents.Triggers:
        """The caller's triggers, newest first; those of one dispatch, if it is named."""
        asked = {"dispatch_id": dispatch_id, "cursor": cursor}
        params = {name: value for name, value in asked.items() if value is not None}
        return self._ask(documents.Triggers, "GET", "/triggers", params=params or None)

    def trigger(self, trigger_id: str) -> documents.Trigger:
        """One trigger."""
        return self._ask(documents.Trigger, "GET", _trigger_path(trigger_id))

    def stop_trigger(self, trigger_id: str) -> documents.Trigger:
        """Stop a trigger for good. Repeating it is harmless."""
        return self._ask(documents.Trigger, "DELETE", _trigger_path(trigger_id))

    def fire(self, trigger_id: str, firing: documents.Firing) -> documents.Fired:
        """Fire a trigger. Repeating it is harmless."""
        body = firing.model_dump_json().encode()
        return self._ask(documents.Fired, "POST", f"{_trigger_path(trigger_id)}/fire", body)

    def health(self) -> api.Health:
        """What the deployment is."""
        return self._read(
            api.Health, "GET", "/health", self.connection.call("GET", HEALTH, is_public=True)
        )

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of the API."""
        document: dict[str, Any] = json.loads(
            self.connection.call("GET", f"{api.PREFIX}/openapi.json")
        )
        return document

    def _ask(
        self,
        kind: type[DocumentT],
        method: str,
        path: str,
        body: bytes | None = None,
        params: dict[str, str] | None = None,
    ) -> DocumentT:
        answer = self.connection.call(method, api.PREFIX + path, body, params)
        return self._read(kind, method, path, answer)

    def _read(self, kind: type[DocumentT], method: str, path: str, answer: bytes) -> DocumentT:
        try:
            return kind.model_validate_json(answer)
        except ValidationError as exc:
            raise Unavailable(
                f"{self.connection.endpoint.url} gave an answer to {method} {path} that is not a {kind.__name__}: "
                f"is {_setting(self.connection.endpoint)} that of a Covalent server of this version"
                f"{self._versions()}? `covalent doctor` shows it"
            ) from exc

    def _versions(self) -> str:
        """What the server says of itself, for a message; nothing if it does not."""
        try:
            answer = self.connection.ask("GET", HEALTH, is_public=True)
            health = api.Health.model_validate_json(answer.content)
        except (CovalentError, ValidationError):
            return ""
        return f" (it says {health.version}, wire {health.wire}; this is {__version__}, wire {manifest.WIRE})"


def parse_manifest(data: bytes | str) -> "Manifest":
    """Read a manifest.

    Raises:
        NewerWire: a newer Covalent wrote it.

    """
    try:
        return manifest.Manifest.model_validate_json(data)
    except ValidationError:
        wire = json.loads(data).get("wire", 0)
        if wire > manifest.WIRE:
            raise NewerWire(
                f"the dispatch was made with wire version {wire}, this Covalent knows {manifest.WIRE}: upgrade it"
            ) from None
        raise


def connect(dispatcher_addr: str | None = None) -> Client:
    """The client for an address (None: the configured one); calls in one process share its connections."""
    endpoint = address.resolve(dispatcher_addr)
    # a forked child must not write into its parent's sockets, and who chooses another identity wants to be that
    key = (os.getpid(), endpoint, *map(os.environ.get, _IDENTITY))
    with _lock:
        if key not in _clients:
            _clients[key] = open_client(endpoint)
        return _clients[key]


def open_client(endpoint: address.Endpoint) -> Client:
    """A client of its own for a control plane; its connections are closed when the process ends."""
    connection = Connection(endpoint)
    atexit.register(partial(_close, os.getpid(), connection))
    return Client(connection)


def _close(pid: int, connection: Connection) -> None:
    if pid == os.getpid():
        connection.close()


def _setting(endpoint: address.Endpoint) -> str:
    named = f"profiles.{endpoint.profile}.address" if endpoint.profile else "dispatcher.address"
    return f"`{named}`"


def _trigger_path(trigger_id: str) -> str:
    return f"/triggers/{quote(trigger_id, safe='')}"


def _path(dispatch_id: str) -> str:
    return f"/dispatches/{quote(dispatch_id, safe='')}"


_IDENTITY = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID")
_clients: dict[tuple[object, ...], Client] = {}
_lock = threading.Lock()
