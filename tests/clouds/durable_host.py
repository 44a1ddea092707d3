"""A host of Azure Functions, as far as a function app with Durable Functions needs one.

`python durable_host.py FOLDER` imports `function_app` from a folder with an unpacked deployment, replays its
orchestrations and runs its activities as the real host does, and serves the HTTP API of Durable Functions on a
port that it prints.
"""

import json
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "key-of-durable-functions=="
_API = "/runtime/webhooks/durabletask/"
_FINAL = ("Completed", "Failed", "Terminated")


class Host:
    """The app's functions, and its instances."""

    def __init__(self, app: Any) -> None:
        self.orchestrations: dict[str, Any] = {}
        self.activities: dict[str, Any] = {}
        kinds = {"orchestrationTrigger": self.orchestrations, "activityTrigger": self.activities}
        for function in app.get_functions():
            kinds[function.get_trigger().type][function.get_function_name()] = function
        self.instances: dict[str, dict[str, Any]] = {}

    def start(self, function: str, instance: str, given: Any) -> int:
        if function not in self.orchestrations:
            return 400
        if instance in self.instances and self.instances[instance]["runtimeStatus"] not in _FINAL:
            return 409
        now = datetime.now(UTC).isoformat()
        self.instances[instance] = {
            "name": function,
            "instanceId": instance,
            "runtimeStatus": "Running",
            "input": None,
            "customStatus": None,
            "output": None,
            "createdTime": now,
            "lastUpdatedTime": now,
        }
        threading.Thread(target=self._run, args=(function, instance, given), daemon=True).start()
        return 202

    def _run(self, function: str, instance: str, given: Any) -> None:
        found = self.instances[instance]
        try:
            status, output = "Completed", self._replayed(function, instance, given)
        except Exception as exc:  # noqa: BLE001  # as the host does
            status, output = "Failed", f"Orchestrator function '{function}' failed: {exc}"
        if found["runtimeStatus"] not in _FINAL:
            found |= {"runtimeStatus": status, "output": output}

    def _replayed(self, function: str, instance: str, given: Any) -> Any:
        """Run an orchestration again and again, each time with what its activities have answered."""
        history = [
            _event(12),
            _event(0, Name=function, Input=json.dumps(given), Version=None),
        ]
        handle = self.orchestrations[function].get_user_function()
        while True:
            context = {
                "history": history,
                "input": json.dumps(given),
                "instanceId": instance,
                "isReplaying": False,
                "parentInstanceId": None,
                "upperSchemaVersion": 2,
            }
            told = json.loads(handle(json.dumps(context)))
            if told.get("error"):
                raise RuntimeError(told["error"])
            if told["isDone"]:
                return told["output"]
            number = sum(each["EventType"] == 4 for each in history)
            action = [each for batch in told["actions"] for each in batch][number]
            history.append(_event(4, EventId=number, Name=action["functionName"]))
            user = self.activities[action["functionName"]].get_user_function()
            result = json.dumps(user(json.loads(action["input"])))
            history += [_event(13), _event(12), _event(5, TaskScheduledId=number, Result=result)]


def _event(kind: int, **more: Any) -> dict[str, Any]:
    told = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
    return {"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": told, **more}


class _Handler(BaseHTTPRequestHandler):
    host: Host

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        if parse_qs(parts.query).get("code") != [KEY]:
            self._send(401, None)
            return
        words = parts.path.removeprefix(_API).split("/")
        self._send(*self._operation(words, body))

    def _operation(self, words: list[str], body: Any) -> tuple[int, Any]:
        instances = self.host.instances
        match self.command, words:
            case "POST", ["orchestrators", function, instance]:
                return self.host.start(function, instance, body), {"id": instance}
            case _, ["instances", instance, *_] if instance in instances:
                return self._of_an_instance(words, instances)
        return 404, None

    def _of_an_instance(self, words: list[str], instances: dict[str, Any]) -> tuple[int, Any]:
        match self.command, words:
            case "GET", ["instances", instance]:
                found = instances[instance]
                return (200 if found["runtimeStatus"] in _FINAL else 202), found
            case "POST", ["instances", instance, "terminate"]:
                if instances[instance]["runtimeStatus"] in _FINAL:
                    return 410, None
                instances[instance] |= {"runtimeStatus": "Terminated", "output": "cancelled"}
                return 202, None
            case "DELETE", ["instances", instance]:
                del instances[instance]
                return 200, {"instancesDeleted": 1}
        return 400, None

    def _send(self, status: int, document: Any) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815  # as the base class calls them


if __name__ == "__main__":
    sys.path[0] = sys.argv[1]  # and nothing of the tests
    _Handler.host = Host(import_module("function_app").app)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
