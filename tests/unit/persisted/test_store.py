"""The directory of manifests: what of it is taken up, and when."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from gateway.persisted import store
from gateway.persisted.store import ManifestDirectory


def write(folder: Path, client: str, text: str = "{ here }") -> None:
    (folder / f"{client}.json").write_bytes(orjson.dumps({"1": text}))


def test_a_change_is_taken_when_two_looks_in_a_row_see_it_the_same(tmp_path: Path) -> None:
    write(tmp_path, "web")
    directory = ManifestDirectory(tmp_path)
    first = directory.read()
    assert directory.poll() is None
    write(tmp_path, "web", "{ somewhere }")
    assert directory.poll() is None
    write(tmp_path, "web", "{ somewhere else }")
    assert directory.poll() is None
    second = directory.poll()
    assert second is not None
    assert [manifests.of["web"].operations[0].text for manifests in (first, second)] == [
        "{ here }",
        "{ somewhere else }",
    ]
    assert directory.poll() is None


def test_a_manifest_that_did_not_change_stays_the_same_one(tmp_path: Path) -> None:
    write(tmp_path, "web")
    directory = ManifestDirectory(tmp_path)
    first = directory.read()
    write(tmp_path, "app")
    directory.poll()
    second = directory.poll()
    assert second is not None
    assert second.of["web"] is first.of["web"]
    assert set(second.of) == {"web", "app"}


def test_what_is_not_named_as_a_client_is_not_read(tmp_path: Path) -> None:
    for name in ("web", "Web", "a b", "x", ".hidden", "-dash"):
        write(tmp_path, name)
    (tmp_path / "web.draft").write_text("half of")
    manifests = ManifestDirectory(tmp_path).read()
    assert (set(manifests.of), manifests.problems) == ({"web"}, {})


def test_clients_and_bytes_are_bounded_and_what_is_left_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_CLIENTS", 2)
    monkeypatch.setattr(store, "MOST_BYTES", 100)
    for name in ("aa", "bb", "cc"):
        write(tmp_path, name, "{ here }" if name != "bb" else "{ here }" + " " * 100)
    manifests = ManifestDirectory(tmp_path).read()
    assert set(manifests.of) == {"aa"}
    assert manifests.problems == {
        "bb": "The manifest of bb cannot be used: it is larger than 100 bytes.",
        "cc": "There are more than 2 manifests; the one of cc is left out.",
    }


def test_without_the_directory_nothing_is_served(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no-such-folder"):
        ManifestDirectory(tmp_path / "no-such-folder").read()
