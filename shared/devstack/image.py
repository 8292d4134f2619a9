"""`./task image`: builds the one image with its base pinned by the digest that the registry gives for its tag now."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys

from shared.devstack.errors import StackProblem
from shared.register import PROJECT_ROOT

DOCKERFILE = PROJECT_ROOT / "Dockerfile"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def main() -> int:
    """Asks the registry unless BASE_DIGEST says it; what further arguments say goes to `docker buildx build`."""
    parser = argparse.ArgumentParser(prog="task image", description=__doc__)
    parser.add_argument("--tag", default="marketplace:dev")
    known, further = parser.parse_known_args()
    try:
        arguments = build_arguments(os.environ.get("BASE_DIGEST") or _ask_for_digest(), known.tag, _revision())
    except StackProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"{' '.join(arguments)}\n")
    sys.stdout.flush()
    return subprocess.run([*arguments, *further, "."], cwd=PROJECT_ROOT, check=False).returncode


def build_arguments(digest: str, tag: str, revision: str) -> list[str]:
    """The command but for its context. Raises StackProblem for what is no digest."""
    if not _DIGEST.fullmatch(digest):
        raise StackProblem(
            f"{digest!r} is no digest of an image.", remedy="It reads sha256: and 64 hexadecimal digits."
        )
    values = {"BASE_DIGEST": digest, "REVISION": revision}
    given = [part for name, value in values.items() for part in ("--build-arg", f"{name}={value}")]
    return ["docker", "buildx", "build", *given, "--tag", tag]


def base_image() -> str:
    """The base that the Dockerfile names."""
    (name,) = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    return str(name)


def _ask_for_digest() -> str:
    command = ["docker", "buildx", "imagetools", "inspect", base_image(), "--format", "{{.Manifest.Digest}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise StackProblem(f"docker cannot be run: {error}", remedy="The image needs a Docker engine.") from error
    if done.returncode:
        raise StackProblem(
            f"The digest of {base_image()} cannot be had:",
            log_lines=tuple(f"    {line}" for line in done.stderr.strip().splitlines()[-4:]),
            remedy="Ask where the registry can be reached, or say it: BASE_DIGEST=sha256:… ./task image",
        )
    return done.stdout.strip()


def _revision() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
