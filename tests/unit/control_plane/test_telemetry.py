import json
import os
import subprocess
import sys

CODE = """
from covalent_control_plane import telemetry
telemetry.log().info("started", correlation_id="d1")
telemetry.count("DispatchesFinished", status="FAILED")
"""


def _plain() -> dict[str, str]:
    """The environment without what decides about logs and metrics."""
    decides = ("POWERTOOLS_", "LAMBDA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(decides)}


def _run(**environment: str) -> list[dict[str, object]]:
    run = subprocess.run(
        [sys.executable, "-c", CODE],
        capture_output=True,
        text=True,
        check=True,
        env=_plain() | environment,
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


def test_traces_are_found_by_dispatch() -> None:
    """On Lambda there is a tracer; elsewhere it is not even imported."""
    code = (
        "import sys\nfrom unittest.mock import patch\nfrom covalent_control_plane import telemetry\n"
        "telemetry.annotate('before')\n"
        "assert not any(name.startswith('aws_xray_sdk') for name in sys.modules)\n"
        "import os\nos.environ['LAMBDA_TASK_ROOT'] = '/var/task'\ntelemetry.tracer.cache_clear()\n"
        "with patch.object(telemetry.tracer().provider, 'in_subsegment') as part:\n"
        "    telemetry.annotate('d1')\n"
        "put = part.return_value.__enter__.return_value.put_annotation\n"
        "put.assert_called_once_with('dispatch_id', 'd1')\n"
    )
    environment = _plain() | {"POWERTOOLS_TRACE_DISABLED": "true"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert run.returncode == 0, run.stderr
