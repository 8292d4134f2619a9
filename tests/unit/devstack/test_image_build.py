"""The image is built on a base that a digest pins, or not at all."""

from __future__ import annotations

import pytest

from shared.devstack.errors import StackProblem
from shared.devstack.image import base_image, build_arguments

DIGEST = f"sha256:{'0a' * 32}"


def test_the_digest_and_the_revision_are_build_arguments() -> None:
    assert build_arguments(DIGEST, "marketplace:dev", "abc") == [
        *("docker", "buildx", "build"),
        *("--build-arg", f"BASE_DIGEST={DIGEST}"),
        *("--build-arg", "REVISION=abc"),
        *("--tag", "marketplace:dev"),
    ]
    assert base_image() == "python:3.11-slim-bookworm"


@pytest.mark.parametrize("digest", ["", "latest", "sha256:0a", f"{DIGEST}0", f"sha512:{'0a' * 32}"])
def test_what_is_no_digest_builds_nothing(digest: str) -> None:
    with pytest.raises(StackProblem, match="is no digest of an image"):
        build_arguments(digest, "marketplace:dev", "abc")
