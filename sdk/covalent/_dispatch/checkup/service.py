"""The control plane itself, and what it knows of the caller."""

import platform
import time
import warnings
from collections.abc import Callable, Iterator

import httpx
from pydantic import ValidationError

from covalent._dispatch.address import region_of
from covalent._dispatch.checkup.finding import Finding, State, failed, ok, skipped
from covalent._dispatch.client import HEALTH, Client
from covalent._dispatch.connection import Connection
from covalent._dispatch.problems import error_of
from covalent._dispatch.signing import Signature, WrongClock, server_time
from covalent._shared_files.config import get_config
from covalent._version import __version__
from covalent_contracts.api import Health, Summary
from covalent_contracts.errors import CovalentError, Unavailable
from covalent_contracts.manifest import WIRE

MAX_SKEW = 240
"""Seconds that the clock may be wrong: AWS refuses signatures from 300 on."""
_PREFIX = "covalent"


class Service:
    """Looks at one control plane, in an order in which each look may use what those before it learned."""

    def __init__(self, connection: Connection, clock: Callable[[], float] = time.time) -> None:
        self._client = Client(connection)
        self._connection = connection
        self._endpoint = connection.endpoint
        self._clock = clock
        self._health: Health | None = None
        self._newest: Summary | None = None
        self._caller = ""

    def looks(self) -> Iterator[Finding]:
        """Every look; one at a time."""
        found, skew = self._answers()
        yield found
        if found.state is State.FAILED and self._health is None:
            return
        yield skew
        credentials = self._credentials()
        yield credentials
        yield self._runner()
        if credentials.state is State.FAILED:
            yield skipped("permission", "nobody to have one")
            return
        permission = self._permission()
        yield permission
        if permission.state is State.OK:
            yield self._store()

    def _answers(self) -> tuple[Finding, Finding]:
        """Health, and the clock that its answer tells."""
        before = self._clock()
        try:
            response = self._connection.ask("GET", HEALTH, is_public=True)
        except CovalentError as exc:
            return failed("health", "no answer", str(exc)), skipped("clock", "no answer")
        skew = self._skew(response, (before + self._clock()) / 2)
        return self._healthy(response), skew

    def _healthy(self, response: httpx.Response) -> Finding:
        name = "health"
        if not response.is_success:
            return failed(name, f"answered {response.status_code}", str(self._error(response)))
        try:
            health = Health.model_validate_json(response.content)
        except ValidationError:
            cure = f"{self._endpoint.url} answers, but is no Covalent control plane: correct the address"
            return failed(name, "the answer is not that of a control plane", cure)
        self._health = health
        detail = f"version {health.version}, wire {health.wire}"
        if health.wire < WIRE:
            cure = f"It is older than this SDK ({__version__}): run `{self._upgrade()}`"
            return failed(name, f"{detail}; this SDK speaks wire {WIRE}", cure)
        if health.wire > WIRE:
            cure = f"It is newer than this SDK ({__version__}): pip install 'covalent-serverless=={health.version}'"
            return failed(name, f"{detail}; this SDK speaks wire {WIRE}", cure)
        return ok(name, detail + (f" (this SDK: {__version__})" * (health.version != __version__)))

    def _skew(self, response: httpx.Response, now: float) -> Finding:
        name, server = "clock", server_time(response)
        if server is None and self._is_local:
            return ok(name, "the server's own")
        if server is None:
            return skipped(name, "the answer has no Date")
        skew = round(now - server)
        if abs(skew) <= MAX_SKEW:
            return ok(name, f"within {max(1, abs(skew))} s of the server's")
        detail = f"{abs(skew)} s {'fast' if skew > 0 else 'slow'}"
        return failed(
            name, detail, "Set the clock of this machine (Linux: timedatectl set-ntp true)"
        )

    def _credentials(self) -> Finding:
        name, permission = "credentials", self._connection.permission
        if not isinstance(permission, Signature):
            file = get_config("sdk.config_file")
            if self._endpoint.token:
                return ok(name, f"the token in {file}")
            return failed(name, f"no token for {self._endpoint.url} in {file}", _START)
        try:
            key = permission.credentials.current().access_key
            self._caller = permission.credentials.caller(self._endpoint.region or "")
        except Unavailable as exc:
            return skipped(name, f"access key {key}; {exc}")
        except CovalentError as exc:
            return failed(name, "none that AWS takes", str(exc))
        return ok(name, f"{self._caller} (access key {key})")

    def _permission(self) -> Finding:
        name = "permission"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", WrongClock)  # there is a look at the clock
                listing = self._client.dispatches(limit=1)
        except CovalentError as exc:
            return failed(name, "a call to the API was refused", str(exc))
        self._newest = next(iter(listing.dispatches), None)
        return ok(name, "may call the API")

    def _runner(self) -> Finding:
        name, minor = "runner", ".".join(platform.python_version_tuple()[:2])
        known = self._health.pythons if self._health else []
        if minor in known:
            return ok(name, f"for Python {minor}; there are {', '.join(known)}")
        cure = f"Run `{self._upgrade()}` with Python {minor} among its runners, or use one of those Pythons"
        return failed(
            name, f"none for Python {minor}; there are {', '.join(known) or 'none'}", cure
        )

    def _store(self) -> Finding:
        """With an address that the API gives out, if anything was dispatched; else the bucket by its name."""
        name = "object store"
        try:
            if self._newest is not None:
                return self._object(name, self._newest)
            bucket = f"{self._endpoint.url}/" if self._is_local else self._bucket()
            if bucket is None:
                return skipped(name, "nothing has been dispatched yet")
            response = self._connection.get(bucket)
        except CovalentError as exc:
            return failed(name, "not reachable", str(exc))
        if response.status_code == 404 and not self._is_local:
            return failed(name, f"{bucket} does not exist", f"Run `{self._upgrade()}`")
        return ok(name, f"{bucket} answers")

    def _object(self, name: str, newest: Summary) -> Finding:
        response = self._connection.get(
            self._client.manifest(newest.dispatch_id).url, {"Range": "bytes=0-0"}
        )
        host = response.request.url.host
        if response.is_success:
            return ok(name, f"{host} gives what was dispatched")
        cure = (
            f"{host} refuses an address that the API has just given out. Look at the bucket's policy, its key, and "
            f"the role of the API: {response.text[:200]}"
        )
        return failed(name, f"answered {response.status_code}", cure)

    def _bucket(self) -> str | None:
        """Where the bucket must be, by the names of a deployment."""
        account = self._caller.split(":")[4] if self._caller.count(":") >= 5 else ""
        region = region_of(self._endpoint.host)
        if not (account and region):
            return None
        domain = "amazonaws" + self._endpoint.host.partition(".amazonaws")[2]
        prefix = self._endpoint.prefix or _PREFIX
        return f"https://{prefix}-{account}-{region}.s3.{region}.{domain}/"

    @property
    def _is_local(self) -> bool:
        return self._endpoint.is_loopback and not self._endpoint.is_deployed

    def _error(self, response: httpx.Response) -> CovalentError:
        return self._connection.permission.error(response) or error_of(response)

    def _upgrade(self) -> str:
        return "covalent deploy up" if self._endpoint.is_deployed else "covalent restart"


_START = "Run `covalent start`: it writes the token of the local server"
