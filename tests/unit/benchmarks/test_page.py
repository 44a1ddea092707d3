from benchmarks.page import Section, as_markdown, put
from rich.table import Table

PAGE = "# Results\n\nHead.\n\n## One\n\nfirst\n\n## Two\n\nsecond\n\n## Two and a half\n\nthird\n"


def section(title: str, cell: str) -> Section:
    table = Table("what")
    table.add_row(cell)
    return Section(title, table, ("A note.", "Another."))


def test_a_section_is_a_table_with_its_notes() -> None:
    assert as_markdown(section("Two", "x")) == (
        "## Two\n\n| what |\n|------|\n| x    |\n\nA note.\nAnother.\n"
    )


def test_a_section_without_a_table_says_why() -> None:
    assert as_markdown(Section("Two", None, ("Not measured.",))) == "## Two\n\nNot measured.\n"


def test_a_section_takes_the_place_of_the_one_of_its_title() -> None:
    put_in = put(Section("Two", None, ("new",)), PAGE)
    assert put_in == PAGE.replace("second", "new")


def test_a_new_section_goes_to_the_end() -> None:
    put_in = put(Section("Four", None, ("new",)), PAGE)
    assert put_in == f"{PAGE}\n## Four\n\nnew\n"


def test_the_last_section_can_be_replaced_again_and_again() -> None:
    once = put(section("Four", "x"), PAGE)
    assert put(section("Four", "x"), once) == once
