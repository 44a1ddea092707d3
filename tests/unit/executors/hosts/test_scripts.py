"""Pieces of scripts, read by a real shell."""

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from covalent_executors.hosts import scripts

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@settings(max_examples=25)
@given(TEXT.filter(lambda text: not text.startswith("~")))
def test_a_path_is_one_word(text: str) -> None:
    assert printed(scripts.path(text)) == text


@settings(max_examples=25)
@given(TEXT)
def test_a_path_below_home(text: str) -> None:
    assert printed(scripts.path(f"~/{text}")) == f"/a home/{text}"
    assert printed(scripts.path("~")) == "/a home"


def printed(word: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-s"],
        input=f"printf %s {word}".encode(),
        env={"HOME": "/a home"},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def test_answers_are_collected_by_name() -> None:
    told = scripts.answers("found=3.9 /usr/bin/python\nfound=3.10 x=y\nnoise\nfolder=/a=b\n")
    assert told["found"] == ["3.9 /usr/bin/python", "3.10 x=y"]
    assert told["folder"] == ["/a=b"]
