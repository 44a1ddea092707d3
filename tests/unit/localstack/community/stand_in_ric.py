"""What awslambdaric does, in a few lines: `python -m awslambdaric module.function` polls and answers."""

import http.client
import importlib
import json
import os
import sys

API = "/2018-06-01/runtime"


def ask(
    server: http.client.HTTPConnection, method: str, path: str, body: object = None
) -> http.client.HTTPResponse:
    server.request(method, f"{API}{path}", json.dumps(body) if method == "POST" else None)
    return server.getresponse()


def main() -> None:
    server = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    module, _, name = sys.argv[1].rpartition(".")
    try:
        handler = getattr(importlib.import_module(module), name)
    except ImportError as exc:
        ask(
            server,
            "POST",
            "/init/error",
            {"errorType": "Runtime.ImportModuleError", "errorMessage": str(exc)},
        ).read()
        sys.exit(1)
    while True:
        answer = ask(server, "GET", "/invocation/next")
        if answer.status != 200:
            return
        request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.loads(answer.read())
        try:
            result, kind = handler(event, dict(answer.headers)), "response"
        except Exception as exc:  # noqa: BLE001  # whatever a handler raises is its answer
            result, kind = {"errorType": type(exc).__name__, "errorMessage": str(exc)}, "error"
        ask(server, "POST", f"/invocation/{request_id}/{kind}", result).read()


if __name__ == "__main__":
    main()
