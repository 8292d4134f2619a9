"""When a supergraph file counts as changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SupergraphError
from gateway.supergraph.source import SupergraphFile


def test_a_file_that_stays_as_it_was_read_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "supergraph.graphql"
    path.write_text("one")
    file = SupergraphFile(path)
    assert file.read() == "one"
    assert [file.poll(), file.poll()] == [None, None]


def test_a_change_is_taken_once_it_stands_still(tmp_path: Path) -> None:
    path = tmp_path / "supergraph.graphql"
    path.write_text("one")
    file = SupergraphFile(path)
    file.read()
    path.write_text("half of a t")
    assert file.poll() is None
    path.write_text("a text that is whole")
    assert [file.poll(), file.poll(), file.poll()] == [None, "a text that is whole", None]


def test_a_link_that_is_moved_is_a_change(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    link = tmp_path / "supergraph.graphql"
    link.symlink_to(tmp_path / "one")
    file = SupergraphFile(link)
    assert file.read() == "one"
    (tmp_path / "next").symlink_to(tmp_path / "two")
    (tmp_path / "next").rename(link)
    assert [file.poll(), file.poll()] == [None, "two"]


def test_a_file_that_vanishes_is_said_once_and_taken_when_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "supergraph.graphql"
    path.write_text("one")
    file = SupergraphFile(path)
    file.read()
    path.unlink()
    assert file.poll() is None
    with pytest.raises(SupergraphError) as unreadable:
        file.poll()
    assert unreadable.value.code == "SUPERGRAPH_UNREADABLE"
    assert file.poll() is None
    path.write_text("two")
    assert [file.poll(), file.poll()] == [None, "two"]
