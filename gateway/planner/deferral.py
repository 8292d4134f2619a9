"""`@defer` in the normal form.

A deferred selection has a mark among the variables of its condition: a name that no client's variable can have. Whoever reads
the normal form without knowing marks leaves out all that is deferred; planning keeps apart what has different ones.

A field belongs to one deferred fragment only, the outermost and first that selects it, and to none where it is also selected
without @defer. Whatever other fragments select it too are done when that one is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FragmentSpreadNode,
    GraphQLDeferDirective,
    InlineFragmentNode,
    StringValueNode,
    VariableNode,
    Visitor,
    visit,
)

from gateway.planner.plan import Condition, Fetch

Marks = frozenset[str]

_MARK = "~"


@dataclass(slots=True, eq=False)
class Deferral:
    """A deferred fragment at one place of an operation, which lies below `keys` response keys.

    It concerns the objects of `where`, types with the condition under which it is spread there. `parent` is the deferred
    fragment it stands in; those of `after` deliver some of the fields that it selects as well. Marks are in an order in which
    all of these come before.
    """

    mark: str
    keys: int
    label: str | None = None
    parent: Deferral | None = None
    where: list[tuple[frozenset[str], Condition]] = field(default_factory=list)
    after: set[Deferral] = field(default_factory=set)


Fragment = InlineFragmentNode | FragmentSpreadNode


class DeferredFragments:
    """Finds the deferred fragments of one operation. `active` are the variables of `@defer(if:)` that are true."""

    def __init__(self, active: frozenset[str]) -> None:
        self._active = active
        self._count = 0
        self._depths: dict[Deferral | None, int] = {None: 0}

    def is_deferred(self, node: Fragment) -> bool:
        """Whether a fragment is to be delivered later."""
        directive = defer_directive(node)
        if directive is None:
            return False
        match arguments_of(directive).get("if"):
            case BooleanValueNode(value=value):
                return value
            case VariableNode(name=name):
                return name.value in self._active
        return True

    def new(self, node: Fragment, parent: Deferral | None, keys: int) -> Deferral:
        """The deferral of a fragment at a place where it has not been met yet."""
        directive = defer_directive(node)
        assert directive is not None
        label = arguments_of(directive).get("label")
        self._count += 1
        depth = self._depths[parent] + 1
        mark = f"{_MARK}{depth:04}.{self._count:06}"
        made = Deferral(mark, keys, label.value if isinstance(label, StringValueNode) else None, parent)
        self._depths[made] = depth
        return made


def rank(deferral: Deferral | None) -> str:
    """Who takes a field that several select: first what is not deferred, then by marks."""
    return "" if deferral is None else deferral.mark


def marks_of(condition: Condition) -> Marks:
    """The marks of all deferred fragments around what has this condition, the innermost being the greatest."""
    return frozenset(name for name in condition.include if name.startswith(_MARK))


def owners(fetch: Fetch) -> list[str]:
    """The marks of what a fetch is for, in order; the empty one stands for what is not deferred."""
    return sorted({max(marks, default="") for marks in fetch.serves}) or [""]


def without_marks(condition: Condition) -> Condition:
    """What has to hold for what is deferred to be there at all."""
    marks = marks_of(condition)
    return replace(condition, include=condition.include - marks) if marks else condition


def defer_directive(node: Fragment) -> DirectiveNode | None:
    """The @defer of a fragment."""
    name = GraphQLDeferDirective.name
    return next((directive for directive in node.directives or () if directive.name.value == name), None)


def arguments_of(directive: DirectiveNode) -> Mapping[str, object]:
    """The values of a directive's arguments as they are written."""
    return {argument.name.value: argument.value for argument in directive.arguments or ()}


def defer_variables(document: DocumentNode) -> frozenset[str] | None:
    """The variables that decide what of a document is deferred; None where nothing is."""
    finder = _Finder()
    visit(document, finder)
    return frozenset(finder.variables) if finder.found else None


class _Finder(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = False
        self.variables: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        if node.name.value == GraphQLDeferDirective.name:
            self.found = True
            value = arguments_of(node).get("if")
            if isinstance(value, VariableNode):
                self.variables.add(value.name.value)
