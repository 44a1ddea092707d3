from collections.abc import Callable
from types import ModuleType

from covalent_contracts import sheet
from covalent_contracts.manifest import Manifest
from covalent_contracts.sheet import Light, Page, Ref, Sheet
from covalent_executors.place import Place
from covalent_step_functions.compiler import compile_dispatch

Build = Callable[..., Manifest]
REF = Ref("a" * 64, 8)


def pages(manifest: Manifest, place: Place) -> dict[int, Page]:
    compiled = compile_dispatch(manifest, place, "owner")
    return {number: sheet.load(data) for number, data in compiled.pages.items()}


def sheets(manifest: Manifest, place: Place) -> dict[int, Sheet]:
    return {
        node: each for page in pages(manifest, place).values() for node, each in page.sheets.items()
    }


def test_a_page_tells_whose_it_is(manifest: Build, place: Place) -> None:
    posted = manifest(n=1)
    (page,) = pages(posted, place).values()
    assert (page.dispatch_id, page.root_dispatch_id) == (posted.dispatch_id,) * 2
    assert (page.owner, page.python) == ("owner", "3.11.7")


def test_pages_hold_256_ids_each(manifest: Build, place: Place) -> None:
    kinds = dict.fromkeys(range(256, 512), "parameter")
    found = pages(manifest(n=600, kinds=kinds), place)
    assert {number: min(page.sheets) for number, page in found.items()} == {0: 0, 2: 512}
    assert len(found[0].sheets) == 256


def test_arguments_keep_their_order_and_names(manifest: Build, place: Place) -> None:
    found = sheets(manifest([(2, 3), (0, 3), (1, 3, "kwarg"), (0, 3, "kwarg")]), place)
    assert found[3].args == (2, 0)
    assert found[3].kwargs == {"p2": 1, "p3": 0}
    assert found[3].inputs == (0, 1, 2)
    assert found[3].function == REF
    assert found[0].children == (3,)


def test_gates_are_known_on_both_sides(manifest: Build, place: Place) -> None:
    found = sheets(manifest([(0, 2), (0, 3), (1, 3)]), place)
    assert found[0].releases == (3,)
    assert found[1].releases == ()
    assert [node for node, each in found.items() if each.gated] == [3]


def test_arrivals_match_what_gates_wait_for(shapes: ModuleType, place: Place) -> None:
    posted = shapes.manifest(shapes.scattered(40, 0.1, 1), 40)
    found = sheets(posted, place)
    arrivals: dict[int, set[int]] = {}
    for node, each in found.items():
        for gate in each.releases:
            arrivals.setdefault(gate, set()).add(node)
    definition = compile_dispatch(posted, place, "owner").definition
    assert arrivals
    for gate, parents in arrivals.items():
        assert found[gate].gated
        assert f'"node":{gate},"needs":{len(parents)},' in definition
    assert definition.count('"do":"wait"') == len(arrivals)


def test_light_nodes_ride_along(manifest: Build, place: Place) -> None:
    """f0[k] rides behind f0; f3 + f0[k] before f5."""
    kinds = {1: "parameter", 2: "item", 4: "operator"}
    found = sheets(manifest([(0, 2), (1, 2), (3, 4), (2, 4), (4, 5)], kinds=kinds), place)
    assert set(found) == {0, 3, 5}
    assert found[0].after == (Light(1, "parameter", value=REF), Light(2, "item", inputs=(0, 1)))
    assert found[5].before == (Light(4, "operator", op="add", inputs=(3, 2)),)
    assert found[5].inputs == (2, 3)
    assert found[0].children == found[3].children == (5,)


def test_a_promoted_node_has_a_sheet_without_a_function(manifest: Build, place: Place) -> None:
    found = sheets(manifest([(0, 2), (1, 2)], kinds={2: "operator"}), place)
    assert found[2].light == Light(2, "operator", op="add", inputs=(0, 1))
    assert found[2].function is None
    assert found[2].args == ()
    assert found[2].inputs == (0, 1)


def test_settings_of_the_executor_are_told(manifest: Build, place: Place) -> None:
    executors = {"local": {"name": "local", "attributes": {"retries": 2, "time_limit": 3.5}}}
    found = sheets(manifest(n=1, executors=executors), place)
    assert (found[0].retries, found[0].time_limit) == (2, 3.5)


def test_waits_are_not_inputs(manifest: Build, place: Place) -> None:
    found = sheets(manifest([(0, 2), (1, 2, "wait")]), place)
    assert (found[2].args, found[2].inputs, found[2].waits) == ((0,), (0,), (1,))
