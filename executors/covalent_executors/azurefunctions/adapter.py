"""An Azure function app, by the HTTP API that Durable Functions gives it.

https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-http-api
"""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from covalent_executors import exits, launch
from covalent_executors.adapter import Busy, Handle, Job, Refused, Secrets, Sighting, State
from covalent_executors.azurefunctions.spec import AzureFunctionsSpec

ORCHESTRATION = "covalent_electron"
STATES: Mapping[str, State] = MappingProxyType(
    {
        "Pending": State.PENDING,
        "Suspended": State.PENDING,
        "Running": State.RUNNING,
        "ContinuedAsNew": State.RUNNING,
        "Completed": State.ENDED,
        "Failed": State.ENDED,
        "Terminated": State.ENDED,
        "Canceled": State.ENDED,
    }
)
_TIMEOUT = 30
_NOT_YET = 60
"""Seconds for which a new orchestration may not be seen."""
_GONE, _OVER, _EXISTS, _UNKNOWN = 404, 410, 409, 400
_MORE_MEMORY = "use a plan whose instances have more"


def adapter(spec: AzureFunctionsSpec, secrets: Secrets) -> "AzureFunctions":
    """The function app of one user.

    Raises:
        Refused: its key cannot be read.

    """
    return AzureFunctions(spec.function_app_url.rstrip("/"), secrets(spec.system_key).strip())


@dataclass(frozen=True)
class AzureFunctions:
    """A function app, by its address and the key of its Durable Functions."""

    url: str
    key: str = field(repr=False)

    def submit(self, job: Job) -> Handle:
        """See `Adapter`."""
        handle = {"instance": job.name, "since": round(time.time())}
        if self._status(handle) is None:
            given = {"errand": launch.errand(job), "time_limit": max(job.time_limit, 0)}
            status, _ = self._ask(
                "POST", f"orchestrators/{ORCHESTRATION}/{job.name}", given, (_EXISTS, _UNKNOWN)
            )
            if status in (_GONE, _UNKNOWN):
                raise Refused(
                    f"the function app {self.url} has no orchestration {ORCHESTRATION!r}: deploy ours to it "
                    "(docs/executors/azurefunctions.md), or correct function_app_url"
                )
        return handle

    def look(self, handle: Handle) -> Sighting:
        """See `Adapter`."""
        found = self._status(handle)
        if found is None:
            if time.time() - handle["since"] < _NOT_YET:
                return Sighting(State.PENDING, "waits for an instance")
            return Sighting(
                State.ENDED, "the function app does not know the try any more: somebody purged it"
            )
        return sighting(found)

    def cancel(self, handle: Handle) -> None:
        """See `Adapter`. An activity that runs sees by itself that its try does not count any more."""
        self._ask(
            "POST", f"instances/{handle['instance']}/terminate", None, (_OVER,), reason="cancelled"
        )

    def logs(self, handle: Handle) -> str:
        """See `Adapter`."""
        output = (self._status(handle) or {}).get("output")
        return str(output.get("log", "")) if isinstance(output, dict) else str(output or "")

    def clean(self, handle: Handle) -> None:
        """See `Adapter`."""
        self._ask("DELETE", f"instances/{handle['instance']}")

    def _status(self, handle: Handle) -> dict[str, Any] | None:
        """What Durable Functions knows of a try; None if nothing."""
        status, body = self._ask("GET", f"instances/{handle['instance']}", showInput="false")
        if status == _GONE:
            return None
        found: dict[str, Any] = json.loads(body)
        return found

    def _ask(
        self, method: str, path: str, body: Any = None, fine: tuple[int, ...] = (), **query: str
    ) -> tuple[int, bytes]:
        """Ask the API. The answer is success, 404 or what is `fine`.

        Raises:
            Refused: the key is wrong, or the app will not do it.
            Busy: the app does not answer.

        """
        address = f"{self.url}/runtime/webhooks/durabletask/{quote(path)}?{urlencode({**query, 'code': self.key})}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  # https, as the spec has it
            address, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310  # as above
                return answer.status, answer.read()
        except urllib.error.HTTPError as exc:
            if exc.code == _GONE or exc.code in fine:
                return exc.code, b""
            raise self._refused(exc.code) from exc
        except (OSError, http.client.HTTPException) as exc:
            raise Busy(
                f"{self.url} does not answer: {exc}: check function_app_url, if this does not pass"
            ) from exc

    def _refused(self, status: int) -> Exception:
        if status in (401, 403):
            return Refused(
                f"the function app {self.url} refuses the key: system_key must be the one named "
                "durabletask_extension, among the app's system keys"
            )
        if status in (408, 429) or status >= 500:
            return Busy(
                f"the function app {self.url} is busy, or its functions do not start: HTTP {status}"
            )
        return Refused(f"the function app {self.url} refuses it: HTTP {status}")


def sighting(found: Mapping[str, Any]) -> Sighting:
    """How a try stands, by the status of its orchestration.

    Raises:
        Refused: the state is unknown.

    """
    name = str(found["runtimeStatus"])
    state = STATES.get(name)
    output = found.get("output")
    match name:
        case "Completed" if isinstance(output, dict) and output["exit_code"]:
            return Sighting(State.ENDED, exits.explained(output["exit_code"], _MORE_MEMORY))
        case "Failed":
            return Sighting(State.ENDED, _failure(str(output)))
        case "Terminated" | "Canceled":
            return Sighting(State.ENDED, "the try was ended by somebody")
        case "Suspended":
            return Sighting(State.PENDING, "somebody has suspended the try: resume it")
        case "Pending":
            return Sighting(State.PENDING, "waits for an instance")
    if state is None:
        raise Refused(f"Durable Functions has a state {name!r} that this version does not know")
    return Sighting(state)


def _failure(output: str) -> str:
    if "Timeout value of" in output:
        return (
            "the function app ended it after its functionTimeout: raise that in host.json; more than ten minutes "
            "need a Flex Consumption, Premium or Dedicated plan"
        )
    return f"the function app failed: {output}"
