"""Prints the requests of an operation as the fetches of its plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphql import ArgumentNode, ListValueNode, Node, ObjectValueNode, VariableNode, print_ast
from graphql import strip_ignored_characters as minify

from gateway.planner.conditions import common
from gateway.planner.document import (
    argument_texts,
    condition_variables,
    level_conditions,
    print_level,
    separate_conflicts,
)
from gateway.planner.fetch_graph import Input, Step
from gateway.planner.operation import ALWAYS, FieldSelection, Operation
from gateway.planner.plan import Condition, EntityTarget, Fetch, Representation
from gateway.planner.selection_tree import Level
from gateway.supergraph.field_set import arguments_text


class FetchPrinter:
    """Turns the requests of one operation into the fetches of its plan."""

    def __init__(self, operation: Operation) -> None:
        self._definitions = {node.variable.name.value: minify(print_ast(node)) for node in operation.variables}
        self._uses = dict(_variable_uses(operation.selections))

    def fetches(self, requests: Sequence[Sequence[Step]]) -> tuple[Fetch, ...]:
        """One fetch for each request, numbered in order."""
        number_of = {step: number for number, steps in enumerate(requests) for step in steps}
        return tuple(self._fetch(number, steps, number_of) for number, steps in enumerate(requests))

    def _fetch(self, number: int, steps: Sequence[Step], number_of: Mapping[Step, int]) -> Fetch:
        first = steps[0]
        gates = [common(level_conditions(step.level)) for step in steps]
        gate = gates[0] if all(other == gates[0] for other in gates) else ALWAYS
        targets = self._targets(steps, gates) if first.is_entity_call else ()
        renames = separate_conflicts([first.level]) if not targets else []
        bodies = [
            _body(step, known, target) for step, known, target in zip(steps, gates, targets or (None,), strict=True)
        ]
        names, definitions = self._variables(bodies, [step.level for step in steps])
        header = ",".join([f"${target.variable}:[_Any!]!" for target in targets] + definitions)
        return Fetch(
            id=number,
            subgraph=first.subgraph,
            kind=first.kind,
            document=f"{first.kind}{f'({header})' if header else ''}{{{' '.join(bodies)}}}",
            name_offset=len(first.kind),
            variables=names,
            after=frozenset(number_of[earlier] for step in steps for earlier in step.after),
            targets=targets,
            path=() if targets else first.path,
            renames=tuple(renames),
            condition=None if gate == ALWAYS else gate,
        )

    def _targets(self, steps: Sequence[Step], gates: Sequence[Condition]) -> tuple[EntityTarget, ...]:
        single = len(steps) == 1
        return tuple(
            EntityTarget(
                path=step.path,
                representations=tuple(_representation(item) for item in step.inputs),
                alias="_entities" if single else f"_e{index}",
                variable=self._free_variable("representations" if single else f"r{index}"),
                renames=tuple(separate_conflicts([step.level])),
                condition=None if gates[index] == ALWAYS else gates[index],
            )
            for index, step in enumerate(steps)
        )

    def _variables(self, bodies: Iterable[str], levels: Iterable[Level]) -> tuple[tuple[str, ...], list[str]]:
        """The client's variables that a document uses, and their definitions."""
        used: set[str] = set()
        for level in levels:
            used |= condition_variables(level)
            for text in argument_texts(level):
                used |= self._uses.get(text, frozenset())
        # A condition that gates the whole request is not printed, and a variable that is not used may not be defined.
        text = "".join(bodies)
        names = tuple(name for name in self._definitions if name in used and f"${name}" in text)
        return names, [self._definitions[name] for name in names]

    def _free_variable(self, name: str) -> str:
        while name in self._definitions:
            name = f"_{name}"
        return name


def _body(step: Step, known: Condition, target: EntityTarget | None) -> str:
    text = print_level(step.level, known)
    if target is None:
        return text
    alias = "" if target.alias == "_entities" else f"{target.alias}:"
    return f"{alias}_entities(representations:${target.variable}){{{text}}}"


def _representation(item: Input) -> Representation:
    return Representation(item.types, item.fields, item.keys, item.typename)


def _variable_uses(selections: Iterable[FieldSelection]) -> Iterator[tuple[str, frozenset[str]]]:
    """Which variables each text of arguments names."""
    for selection in selections:
        if selection.arguments:
            names = frozenset(name for argument in selection.arguments for name in _names(argument))
            yield arguments_text(selection.arguments), names
        yield from _variable_uses(selection.selections or ())


def _names(node: Node) -> Iterator[str]:
    match node:
        case VariableNode():
            yield node.name.value
        case ArgumentNode():
            yield from _names(node.value)
        case ListValueNode():
            for value in node.values:
                yield from _names(value)
        case ObjectValueNode():
            for item in node.fields:
                yield from _names(item.value)
