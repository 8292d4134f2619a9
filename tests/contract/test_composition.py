"""The committed supergraph is what the subgraphs' code composes to."""

from __future__ import annotations

from supergraph.compose import artefacts, drifted


def test_the_committed_supergraph_is_what_the_code_composes_to() -> None:
    assert drifted(artefacts()) == []
