import inspect
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from chalice.app import Request
from chalice.cli.factory import CLIFactory
from tests.unit.control_plane.conftest import ALICE, BOB, ENVIRONMENT, EVENTS, LAB, Api, Dispatched

import covalent_control_plane
from covalent_contracts.ids import owner_of
from covalent_control_plane import application, requests, settings

ROOT = Path(covalent_control_plane.__path__[0]).parent


def test_threads_do_not_see_each_others_requests(api: Api, dispatched: Dispatched) -> None:
    ids = {ALICE: dispatched(Api(ALICE)), BOB: dispatched(Api(BOB))}

    def ask(turn: int) -> bool:
        principal = (ALICE, BOB)[turn % 2]
        found = Api(principal).get("/api/v1/dispatches").body["dispatches"]
        return [each["dispatch_id"] for each in found] == [ids[principal]]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(64)))


def test_the_stage_is_the_first_segment_of_the_path(api: Api, dispatched: Dispatched) -> None:
    dispatch_id = dispatched(api)
    event = api.event("GET", f"/api/v1/dispatches/{dispatch_id}")
    event["requestContext"] |= {"stage": "api", "resourcePath": "/v1/dispatches/{dispatch_id}"}
    before = json.dumps(event)
    answer = application.app(event, None)
    assert json.loads(answer["body"])["dispatch_id"] == dispatch_id
    assert json.dumps(event) == before


def test_app_py_gives_chalice_what_it_looks_for() -> None:
    code = (
        "import app; from covalent_control_plane import application as a;"
        "assert app.app is a.app and app.finish is a.finish;"
        "assert app.app.handler_map['finish'] is app.finish;"
        "assert app.app.handler_map['restart'] is app.restart;"
        "assert app.app.handler_map['sweep'] is app.sweep; print(app.app.app_name)"
    )
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    }
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert run.stdout.split() == ["covalent"]


def test_chalice_understands_the_configuration() -> None:
    config = CLIFactory(str(ROOT)).create_config_obj("dev")
    assert config.app_name == "covalent"
    assert config.api_gateway_stage == "api"
    source = inspect.getsource(settings)
    assert {name for name in ENVIRONMENT if name.startswith("COVALENT_")} <= set(
        config.environment_variables
    )
    assert [name for name in config.environment_variables if f'"{name}"' not in source] == []


def test_importing_leaves_the_environment_alone() -> None:
    code = (
        "import os; before = dict(os.environ); import covalent_control_plane.application;"
        "assert dict(os.environ) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_assumed_role_is_an_owner_of_its_own() -> None:
    event = json.loads((EVENTS / "api" / "show.json").read_text())
    event["requestContext"]["identity"]["userArn"] = BOB
    caller = requests.caller(Request(event), people=True)
    assert caller.owner == owner_of(LAB) != owner_of(ALICE)
