import json
import os
import subprocess
import sys

CODE = """
from covalent_control_plane import telemetry
telemetry.log().info("started", correlation_id="d1")
telemetry.count("DispatchesFinished", status="FAILED")
"""


def _run(**environment: str) -> list[dict[str, object]]:
    run = subprocess.run(
        [sys.executable, "-c", CODE],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    assert run.stderr == ""
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_on_lambda_logs_and_metrics_are_written() -> None:
    logged, metric = _run(LAMBDA_TASK_ROOT="/var/task", POWERTOOLS_TRACE_DISABLED="true")
    assert (logged["message"], logged["correlation_id"]) == ("started", "d1")
    assert (metric["DispatchesFinished"], metric["status"]) == ([1.0], "FAILED")
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Covalent"  # type: ignore[index]  # JSON


def test_elsewhere_it_is_quiet() -> None:
    assert _run() == []


def test_powertools_variables_are_respected() -> None:
    (logged,) = _run(POWERTOOLS_LOG_LEVEL="INFO")
    assert logged["level"] == "INFO"
    assert _run(LAMBDA_TASK_ROOT="/", POWERTOOLS_METRICS_DISABLED="true")[1:] == []
