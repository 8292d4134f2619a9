"""Example operations: what a file says of its operation, read once when the gateway starts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from graphql import GraphQLError, OperationDefinitionNode, parse

_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_MOST = 100


@dataclass(frozen=True, slots=True)
class Example:
    """`description` is the comment above the operation, `variables` are those that it declares."""

    name: str
    kind: str
    description: str
    variables: tuple[str, ...]
    text: str


def read_examples(folder: Path) -> tuple[Example, ...]:
    """Every example in a folder. Raises OSError or ValueError, naming the file."""
    files = sorted(folder.glob("*.graphql"))
    if not files:
        raise ValueError(f"explorer.examples: {folder} holds no .graphql file")
    if len(files) > _MOST:
        raise ValueError(f"explorer.examples: {folder} holds more than {_MOST} files")
    return tuple(_read(file) for file in files)


def _read(file: Path) -> Example:
    text = file.read_text(encoding="utf-8")
    try:
        operations = [node for node in parse(text).definitions if isinstance(node, OperationDefinitionNode)]
    except GraphQLError as error:
        raise ValueError(f"explorer.examples: {file}: {error.message}") from error
    if len(operations) != 1 or operations[0].name is None:
        raise ValueError(f"explorer.examples: {file} must hold one operation with a name")
    (operation,) = operations
    assert operation.name is not None
    words = " ".join(_WORD.findall(operation.name.value)).lower()
    comment = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    variables = tuple(definition.variable.name.value for definition in operation.variable_definitions or ())
    return Example(words[:1].upper() + words[1:], operation.operation.value, comment, variables, text)
