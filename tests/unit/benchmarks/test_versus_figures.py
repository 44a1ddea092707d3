import pytest
from benchmarks.versus_figures import Figure, Measure, Readings, Sample, Side, table_of
from hypothesis import given
from hypothesis import strategies as st

SECONDS = st.floats(0.001, 1000)


def figure(ours: Sample, theirs: Sample, target: float | None = 1 / 5) -> Figure:
    return Figure(Measure("work", "s", target), ours, theirs)


def test_the_middle_run_counts() -> None:
    assert figure(Sample([1, 30, 2]), Sample([8, 400, 10])).ratio == 2 / 10


@pytest.mark.parametrize(
    ("ours", "theirs", "bound", "verdict"),
    [
        (Sample([2]), Sample([10]), "", "met"),
        (Sample([2.1]), Sample([10]), "", "missed"),
        (Sample([2]), Sample([10], unfinished=True), "< ", "met"),
        (Sample([3]), Sample([10], unfinished=True), "< ", "open"),
        (Sample([3], unfinished=True), Sample([10]), "> ", "missed"),
        (Sample([1], unfinished=True), Sample([10]), "> ", "open"),
        (Sample([1], unfinished=True), Sample([10], unfinished=True), "? ", "open"),
        (Sample([2]), Sample(), "", ""),
    ],
)
def test_a_target_is_met_only_if_that_is_certain(
    ours: Sample, theirs: Sample, bound: str, verdict: str
) -> None:
    found = figure(ours, theirs)
    assert (found.bound, found.verdict) == (bound, verdict)


@given(ours=SECONDS, theirs=SECONDS, limit=SECONDS)
def test_giving_up_never_turns_a_verdict(ours: float, theirs: float, limit: float) -> None:
    def seen(true: float) -> Sample:
        return Sample([min(true, limit)], unfinished=true > limit)

    truth = figure(Sample([ours]), Sample([theirs])).verdict
    assert figure(seen(ours), seen(theirs)).verdict in (truth, "open")


def test_without_a_target_there_is_no_verdict() -> None:
    assert figure(Sample([1]), Sample([1]), target=None).verdict == ""


def test_readings_keep_sides_and_order_apart() -> None:
    readings = Readings()
    first, second = Measure("first", "s"), Measure("second", "s")
    readings.add(first, Side.THEIRS, 1)
    readings.add(second, Side.OURS, 2)
    readings.add(first, Side.OURS, 3)
    readings.add(first, Side.OURS, 4, unfinished=True)
    assert list(readings.figures()) == [
        Figure(first, Sample([3, 4], unfinished=True), Sample([1])),
        Figure(second, Sample([2]), Sample()),
    ]


def test_the_table_shows_bounds_targets_and_runs() -> None:
    table = table_of([figure(Sample([16.2]), Sample([300], unfinished=True), 1 / 20)])
    cells = [next(iter(column.cells)) for column in table.columns]
    assert cells == ["work", "s", "16.2", "> 300", "< 0.054", "1/20", "open", "1, 1"]
