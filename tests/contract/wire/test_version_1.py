"""What version 1 has written must stay readable for ever: these files are never changed, only added to.

They lie in S3 (manifests, pages of sheets, values) and in compiled state machines (events), and outlive releases.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from covalent_contracts import envelope, pickling, sheet, transport
from covalent_contracts.envelope import Report, Run, Wait
from covalent_contracts.errors import NewerWire
from covalent_contracts.manifest import Manifest, NodeKind
from covalent_contracts.sheet import Light, Ref, Sheet

V1 = Path(__file__).parent / "v1"
ID = "0f4b2c1e-6c1d-4f6e-9b6a-2f1f6a7d8e90"
PACK = "f" * 64


def test_manifest() -> None:
    manifest = Manifest.model_validate_json((V1 / "manifest.json").read_text())
    assert manifest.dispatch_id == ID
    assert {node.kind for node in manifest.nodes} == set(NodeKind)
    assert manifest.nodes[5].op == "shape"
    assert manifest.edges[1].name == "flowers"
    assert {edge.kind for edge in manifest.edges} == {"arg", "kwarg", "wait"}
    assert manifest.executors["awslambda"].attributes == {"memory": 512, "timeout": 900}
    assert manifest.lattice.doc == "Load, train, score."
    assert len(list(manifest.assets())) == 11


def test_sheets() -> None:
    page = sheet.load((V1 / "sheets.json").read_bytes())
    assert (page.dispatch_id, page.owner, page.python) == (ID, "397b11bbda6668a5", "3.11.7")
    assert page.sheets[0] == Sheet(
        id=0,
        name="load",
        function=Ref("a" * 64, 812, PACK, 0),
        args=(1,),
        before=(Light(1, "parameter", value=Ref("b" * 64, 95, PACK, 812)),),
        after=(
            Light(3, "item", inputs=(0, 4)),
            Light(4, "parameter", value=Ref("c" * 64, 90, PACK, 907)),
        ),
        children=(2,),
    )
    assert page.sheets[2] == Sheet(
        id=2,
        name="train",
        function=Ref("d" * 64, 70000),
        hooks=Ref("e" * 64, 120, PACK, 997),
        kwargs={"flowers": 0, "first": 3},
        inputs=(0, 3),
        waits=(7,),
        children=(5,),
        releases=(5,),
        retries=2,
        time_limit=300.0,
    )
    assert page.sheets[5].gated
    assert page.sheets[6].light == Light(6, "operator", op="radd", inputs=(2, 5))


def test_value() -> None:
    data = (V1 / "value.bin").read_bytes()
    assert transport.split(data)[0] == transport.Header("dict", "<dict>", "3.11.7", "3.1.2")
    assert pickling.loads(data) == {
        "species": ["setosa", "virginica"],
        "score": 0.9777,
        "pair": (1, None),
    }


def test_value_with_references() -> None:
    data = (V1 / "value_with_references.bin").read_bytes()
    assert pickling.loads(data, lambda node: f"node {node}") == ["node 0", {"b": "node 3"}, 7]


def test_events() -> None:
    events = json.loads((V1 / "events.json").read_text())
    assert [envelope.parse(event) for event in events] == [
        Run(ID, 7, 2),
        Wait(ID, 5, 3, "AAAAKgAAAAIAAAAA"),
        Report(ID, (2, 5), "States.Timeout", "the state timed out"),
    ]


def newer(document: dict[str, Any]) -> str:
    return json.dumps({**document, "wire": 2})


def test_sheets_of_version_2_ask_for_a_newer_runner() -> None:
    with pytest.raises(NewerWire, match=r"wire version 2.*deploy the new runner"):
        sheet.load(newer(json.loads((V1 / "sheets.json").read_text())).encode())


def test_a_value_of_version_2_asks_for_an_upgrade() -> None:
    data = bytearray((V1 / "value.bin").read_bytes())
    data[len(transport.MAGIC)] = 2
    with pytest.raises(NewerWire, match=r"wire version 2.*upgrade"):
        pickling.loads(bytes(data))


def test_a_manifest_of_version_2_asks_for_an_upgrade() -> None:
    document = {**json.loads((V1 / "manifest.json").read_text()), "wire": 2, "novelty": True}
    with pytest.raises(NewerWire, match=r"wire version 2.*upgrade"):
        Manifest.model_validate(document)
