"""What an operation may cost: estimated by `@cost` and `@listSize` before it runs, measured or enforced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import RequestRefused
from gateway.security.amounts import Amount, Variables, value_of
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


@dataclass(frozen=True, slots=True)
class OperationCost:
    """The estimate of one operation, ready for any variables."""

    config: CostConfig
    amount: Amount
    slices: Sequence[Slices] = ()

    def admit(self, variables: Variables) -> int:
        """What the operation is estimated to cost. Raises RequestRefused where that is enforced and too much."""
        estimated = value_of(self.amount, variables)
        OPERATION_COST.observe(estimated)
        if self.config.mode == "enforced":
            for slices in self.slices:
                self._check_list(slices, variables)
            if estimated > self.config.max:
                raise _refused(
                    "COST_LIMIT_EXCEEDED",
                    f"The operation is estimated to cost {estimated}; at most {self.config.max} is allowed.",
                    {"estimated": estimated, "max": self.config.max},
                )
        return estimated

    def extension(self, estimated: int) -> dict[str, int]:
        """What `extensions.cost` says."""
        return {"estimated": estimated, "max": self.config.max}

    def _check_list(self, slices: Slices, variables: Variables) -> None:
        given = [size for size in (value_of(size, variables) for size in slices.given) if size >= 0]
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
