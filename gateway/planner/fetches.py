"""Prints the requests of an operation as the fetches of its plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphql import ArgumentNode, ListValueNode, Node, ObjectValueNode, VariableNode, print_ast
from graphql import strip_ignored_characters as minify

from gateway.planner.budget import Budget
from gateway.planner.conditions import common
from gateway.planner.document import (
    argument_texts,
    condition_variables,
    level_conditions,
    print_level,
    separate_conflicts,
)
from gateway.planner.fetch_graph import ContextVariable, Input, Step
from gateway.planner.operation import ALWAYS, FieldSelection, Operation
from gateway.planner.plan import (
    Condition,
    ContextArgument,
    EntityTarget,
    Fetch,
    PathSegment,
    Rename,
    Representation,
)
from gateway.planner.selection_tree import Level
from gateway.supergraph.field_set import arguments_text

_VARIABLE = re.compile(r"\$(\w+)")


class FetchPrinter:
    """Turns the requests of one operation into the fetches of its plan."""

    def __init__(self, operation: Operation, budget: Budget) -> None:
        self._budget = budget
        self._definitions = {node.variable.name.value: minify(print_ast(node)) for node in operation.variables}
        self._uses = dict(_variable_uses(operation.selections))

    def fetches(self, requests: Sequence[Sequence[Step]]) -> tuple[Fetch, ...]:
        """One fetch for each request, numbered in order."""
        number_of = {step: number for number, steps in enumerate(requests) for step in steps}
        return tuple(self._fetch(number, steps, number_of) for number, steps in enumerate(requests))

    def _fetch(self, number: int, steps: Sequence[Step], number_of: Mapping[Step, int]) -> Fetch:
        first = steps[0]
        calls = _calls(steps, self._budget)
        gates = [call.gate for call in calls]
        gate = gates[0] if all(other == gates[0] for other in gates) else ALWAYS
        targets = self._targets(calls) if first.is_entity_call else ()
        bodies = [_body(call, target) for call, target in zip(calls, targets or (None,), strict=True)]
        names, definitions = self._variables(bodies, [step.level for step in steps])
        contextual = {f"${each.name}:{each.type}": None for call in calls for each in call.contexts}
        header = ",".join([*(f"${target.variable}:[_Any!]!" for target in targets), *contextual, *definitions])
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
            renames=() if targets else calls[0].renames,
            condition=None if gate == ALWAYS else gate,
            serves=_serves(steps),
        )

    def _targets(self, calls: Sequence[_Call]) -> tuple[EntityTarget, ...]:
        single = len(calls) == 1
        return tuple(
            EntityTarget(
                paths=tuple(call.paths),
                representations=call.representations,
                alias="_entities" if single else f"_e{index}",
                variable=self._free_variable("representations" if single else f"r{index}"),
                renames=call.renames,
                condition=None if call.gate == ALWAYS else call.gate,
                contexts=tuple(
                    ContextArgument(each.name, each.sources, each.type.endswith("!")) for each in call.contexts
                ),
            )
            for index, call in enumerate(calls)
        )

    def _variables(self, bodies: Iterable[str], levels: Iterable[Level]) -> tuple[tuple[str, ...], list[str]]:
        """The client's variables that a document uses, and their definitions."""
        used: set[str] = set()
        for level in levels:
            used |= condition_variables(level, self._budget)
            for text in argument_texts(level):
                used |= self._uses.get(text, frozenset())
        # A condition that gates the whole request is not printed, and a variable that is not used may not be defined.
        named = {name for body in bodies for name in _VARIABLE.findall(body)}
        names = tuple(name for name in self._definitions if name in used and name in named)
        return names, [self._definitions[name] for name in names]

    def _free_variable(self, name: str) -> str:
        while name in self._definitions:
            name = f"_{name}"
        return name


@dataclass(frozen=True, slots=True)
class _Call:
    """One field of a request with the places that it serves."""

    text: str
    gate: Condition
    renames: tuple[Rename, ...]
    representations: tuple[Representation, ...]
    paths: list[tuple[PathSegment, ...]]
    contexts: tuple[ContextVariable, ...]


def _calls(steps: Iterable[Step], budget: Budget) -> list[_Call]:
    """The steps of a request; those that ask the same of entities at different places are one."""
    calls: dict[object, _Call] = {}
    for step in steps:
        gate = common(level_conditions(step.level, budget))
        renames = tuple(separate_conflicts([step.level]))
        representations = tuple(_representation(item) for item in step.inputs)
        text = print_level(step.level, gate, budget)
        fresh = _Call(text, gate, renames, representations, [], step.contexts)
        call = calls.setdefault((text, gate, renames, representations, step.contexts), fresh)
        call.paths.append(step.path)
    return list(calls.values())


def _serves(steps: Iterable[Step]) -> frozenset[frozenset[str]]:
    served = frozenset(marks for step in steps for marks in step.serves)
    return served if any(served) else frozenset()


def _body(call: _Call, target: EntityTarget | None) -> str:
    if target is None:
        return call.text
    alias = "" if target.alias == "_entities" else f"{target.alias}:"
    return f"{alias}_entities(representations:${target.variable}){{{call.text}}}"


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
