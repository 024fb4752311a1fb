"""The time filter of the leads edge: `filtering=[{"field":"time_created","operator":"GREATER_THAN","value":…}]`."""

from typing import Any

import msgspec

from leadwire.model.times import SECOND, Instant
from leadwire.simulators.meta.refusal import bad_parameter


class TimeFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Leads created from one whole second to another, both included; None is open."""

    first_s: int | None = None
    last_s: int | None = None

    def takes(self, created_at: Instant) -> bool:
        """True for a lead inside the window; Meta compares whole seconds."""
        created_s = created_at // SECOND
        return (self.first_s is None or created_s >= self.first_s) and (self.last_s is None or created_s <= self.last_s)

    def is_past(self, created_at: Instant) -> bool:
        """True when this lead, and so every older one, is too old."""
        return self.first_s is not None and created_at // SECOND < self.first_s


def read_filter(conditions: Any) -> TimeFilter:
    """The window that all conditions leave; raises Refused for another field or operator."""
    first: list[int] = []
    last: list[int] = []
    if conditions is not None and not isinstance(conditions, list):
        raise bad_parameter("Param filtering must be an array")
    for condition in conditions or ():
        field, operator, value = _condition(condition)
        if field != "time_created":
            raise bad_parameter(f"Filtering field {field} is invalid. It must be one of: time_created, id")
        match operator:
            case "GREATER_THAN":
                first.append(value + 1)
            case "GREATER_THAN_OR_EQUAL":
                first.append(value)
            case "LESS_THAN":
                last.append(value - 1)
            case _:
                raise bad_parameter(f"Filtering operator {operator} is not supported")
    return TimeFilter(first_s=max(first, default=None), last_s=min(last, default=None))


def _condition(condition: Any) -> tuple[str, str, int]:
    try:
        return str(condition["field"]), str(condition["operator"]), int(condition["value"])
    except (TypeError, KeyError, ValueError, OverflowError):
        raise bad_parameter(
            "Param filtering has a condition without field, operator and a value in unix seconds"
        ) from None
