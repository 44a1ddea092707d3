"""Sizes of memory as users write them."""

import pytest

from covalent._programmatic.limits import Limits, of_command, to_bytes


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1gb", 2**30), ("1GB", 2**30), ("1.5 GiB", 3 * 2**29), ("512MB", 2**29), ("262144kb", 2**28),
        ("1073741824B", 2**30), ("2", 2**31), ("0", 0), ("0GB", 0), ("auto", 0), ("", 0), ("1tb", 2**40),
    ],
)  # fmt: skip
def test_sizes(text: str, found: int) -> None:
    assert to_bytes(text) == found


@pytest.mark.parametrize("text", ["much", "-1GB", "1 G", "1gbb", "1,5GB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no size of memory: write 1GB, 512MB or 0"):
        to_bytes(text)


def test_what_is_too_little_for_a_worker() -> None:
    with pytest.raises(ValueError, match="'100MB' is too little: the runner itself needs 128 MB"):
        to_bytes("100MB")


def test_they_come_back_from_the_command_line() -> None:
    limits = Limits(memory=2**31, threads=3)
    assert of_command(" ".join(["serve", *limits.options(), "--log-level", "info"])) == limits
    assert of_command("serve") == Limits()
