"""A server with the command line of `covalent_localstack` and nothing behind it but the token check and two routes."""

import argparse
import http.server
import json
import os
import signal
import sys
import time
from pathlib import Path


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == f"Bearer {os.environ['COVALENT_TOKEN']}"
        dispatches = [{"status": "RUNNING"}, {"status": "COMPLETED"}]
        body = json.dumps({"dispatches": dispatches, "cursor": None}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--next-free-port", action="store_true", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--worker-memory", type=int, required=True)
    parser.add_argument("--worker-threads", type=int, required=True)
    parser.add_argument("--log-level", required=True)
    parser.add_argument("--no-triggers", action="store_true")
    for path in ("--data-dir", "--state-file", "--log-file"):
        parser.add_argument(path, type=Path, required=True)
    return parser.parse_args()


def _listen(port: int) -> http.server.HTTPServer:
    http.server.HTTPServer.allow_reuse_address = False
    while True:
        try:
            return http.server.HTTPServer(("127.0.0.1", port), _Handler)
        except OSError:
            port += 1


def main() -> None:
    arguments = _arguments()
    if "STAND_IN_DIES" in os.environ:
        sys.exit("the stand-in cannot start: broken on purpose")
    if "STAND_IN_HANGS" in os.environ:
        signal.pause()
    server = _listen(arguments.port)
    state = {
        "pid": os.getpid(),
        "port": server.server_port,
        "address": "127.0.0.1",
        "started": time.time(),
    }
    sys.stderr.write("the stand-in is ready\n")
    if "STAND_IN_STUBBORN" in os.environ:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    arguments.state_file.write_text(json.dumps(state))
    server.serve_forever()


if __name__ == "__main__":
    main()
