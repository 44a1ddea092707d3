"""A running server, for the tests that need one."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

import covalent as ct

EXIT_TIMEOUT = 60.0
"""Seconds; generous, because it only bounds a failing run."""


@dataclass
class Server:
    """A running `covalent_localstack serve` (or a module that is called like it), and what a test may do to it."""

    data_dir: Path
    token: str
    process: subprocess.Popen[str] | None = None
    port: int = 0
    module: str = "covalent_localstack"

    def start(self) -> None:
        """Start it on a free port (the same one again after a restart) and wait until it is ready."""
        state = self.data_dir / "state.json"
        state.unlink(missing_ok=True)
        command = [
            *(sys.executable, "-m", self.module, "serve"),
            *("--port", str(self.port), "--workers", "4"),
            *("--data-dir", str(self.data_dir), "--state-file", str(state)),
        ]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "COVALENT_TOKEN": self.token},
            stdout=subprocess.PIPE,
            stderr=(self.data_dir / "server.log").open("a"),
            text=True,
        )
        assert self.process.stdout is not None
        self.process.stdout.readline()  # one line when ready, end of file when it died
        assert state.exists(), (self.data_dir / "server.log").read_text()[-4000:]
        self.port = json.loads(state.read_text())["port"]
        ct.set_config(
            {
                "dispatcher.address": "localhost",
                "dispatcher.port": self.port,
                "dispatcher.token": self.token,
            }
        )

    def kill(self) -> None:
        """kill -9: nothing gets to tidy up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(EXIT_TIMEOUT)

    def stop(self) -> None:
        """An orderly stop."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(EXIT_TIMEOUT)

    def client(self, service: Any) -> Any:
        """A boto3 client of the embedded AWS."""
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=self.token,
            aws_secret_access_key="unused",
        )

    def history(self, dispatch_id: str) -> list[dict[str, Any]]:
        """The events of a dispatch's execution, in order."""
        states = self.client("stepfunctions")
        pages = states.get_paginator("get_execution_history").paginate(
            executionArn=self.execution(dispatch_id)
        )
        return [event for page in pages for event in page["events"]]

    def execution(self, dispatch_id: str) -> str:
        """The ARN of a dispatch's execution."""
        states = self.client("stepfunctions")
        pages = states.get_paginator("list_state_machines").paginate()
        for machine in (each for page in pages for each in page["stateMachines"]):
            listing = states.list_executions(stateMachineArn=machine["stateMachineArn"])
            for execution in listing["executions"]:
                if execution["name"] == dispatch_id:
                    return str(execution["executionArn"])
        raise AssertionError(f"no execution of {dispatch_id}")
