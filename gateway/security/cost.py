"""What an operation may cost: estimated by `@cost` and `@listSize` before it runs, measured or enforced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import RequestRefused
from gateway.security.amounts import Amount, Reading, Variables, least
from gateway.telemetry.metrics import OPERATION_COST


class CostConfig(BaseModel):
    """`measured` counts and refuses nothing, `enforced` refuses what costs more than `max` or asks for longer lists.

    `expose` allows the request header `x-query-cost: 1`, which adds `extensions.cost`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["off", "measured", "enforced"] = "off"
    max: int = Field(default=10_000, ge=0)
    list_size: int = Field(default=1000, ge=0, description="The largest value of a slicing argument")
    assumed_list_size: int = Field(default=10, ge=0, description="Of a list that @listSize says nothing about")
    mutation: int = Field(default=10, ge=0, description="What a mutation costs before its fields")
    expose: bool = False


@dataclass(frozen=True, slots=True)
class Slices:
    """One place where the client says how long a list may be. `given` holds each slicing argument; below zero: not given."""

    field: str
    given: Sequence[Amount]
    needs_one: bool

    def lengths(self, reading: Reading) -> list[int]:
        """What the arguments that are given say."""
        return [length for length in map(reading.of, self.given) if length >= 0]


@dataclass(frozen=True, slots=True)
class OperationCost:
    """The estimate of one operation, ready for any variables. `fixed` are the places that no variable can change."""

    config: CostConfig
    amount: Amount
    slices: Sequence[Slices] = ()
    fixed: Sequence[Slices] = ()

    def check(self) -> None:
        """Raises RequestRefused for what is too much whatever the variables are: asked before the document is validated."""
        if self.config.mode == "enforced":
            self._check_lists(self.fixed, Reading({}))
            self._check_amount(least(self.amount))

    def admit(self, variables: Variables) -> int:
        """What the operation is estimated to cost. Raises RequestRefused where that is enforced and too much."""
        if isinstance(self.amount, int) and not self.slices:
            estimated = self.amount
        else:
            reading = Reading(variables)
            estimated = reading.of(self.amount)
            if self.config.mode == "enforced":
                self._check_lists(self.slices, reading)
                self._check_amount(estimated)
        OPERATION_COST.observe(estimated)
        return estimated

    def extension(self, estimated: int) -> dict[str, int]:
        """What `extensions.cost` says."""
        return {"estimated": estimated, "max": self.config.max}

    def _check_amount(self, estimated: int) -> None:
        if estimated > self.config.max:
            # A histogram of what was refused tells whether the limit is where it should be.
            OPERATION_COST.observe(estimated)
            raise _refused(
                "COST_LIMIT_EXCEEDED",
                f"The operation is estimated to cost {estimated}; at most {self.config.max} is allowed.",
                {"estimated": estimated, "max": self.config.max},
            )

    def _check_lists(self, places: Iterable[Slices], reading: Reading) -> None:
        for slices in places:
            given = slices.lengths(reading)
            if slices.needs_one and len(given) != 1:
                raise _refused(
                    "SLICING_ARGUMENT_REQUIRED",
                    f"{slices.field} needs exactly one argument that says how long its list may be; {len(given)} are given.",
                    {"given": len(given)},
                )
            longest = max(given, default=0)
            if longest > self.config.list_size:
                raise _refused(
                    "LIST_SIZE_LIMIT_EXCEEDED",
                    f"{slices.field} is asked for {longest} items; at most {self.config.list_size} are allowed.",
                    {"size": longest, "max": self.config.list_size},
                )


def _refused(code: str, message: str, numbers: dict[str, int]) -> RequestRefused:
    entry: dict[str, object] = {"message": message, "extensions": {"code": code, **numbers}}
    return RequestRefused(code, message, well_formed=True, entries=(entry,))
