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
    """Lambda's own segment refuses annotations, so they are on a part of it, which the SDK sends."""
    code = (
        "from aws_xray_sdk.core import xray_recorder\n"
        "from covalent_control_plane import telemetry\n"
        "xray_recorder.emitter.send_entity = lambda part: print(part.serialize())\n"
        "telemetry.annotate('d1')\n"
    )
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    environment = _plain() | {"LAMBDA_TASK_ROOT": "/var/task", "_X_AMZN_TRACE_ID": trace}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert run.returncode == 0, run.stderr
    sent = json.loads(run.stdout)
    assert sent["annotations"] == {"dispatch_id": "d1"}
    assert sent["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"


def test_elsewhere_the_tracer_is_not_even_imported() -> None:
    code = (
        "import sys\nfrom covalent_control_plane import telemetry\ntelemetry.annotate('d1')\n"
        "assert not any(name.startswith('aws_xray_sdk') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=_plain())
