"""Settings of a connector: one frozen struct whose fields say their label, help and whether they are secret.

The CLI's prompts, the reference page and the JSON Schema are drawn from it.
"""

import re
from typing import Annotated, Any

import msgspec

_DURATION = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m|h|d)$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RATE = re.compile(r"^(\d+(?:\.\d+)?)/(s|m|h|d)$")


class Secret:
    """A value that never shows itself: not in repr, not in logs, not in JSON. `reveal()` where it is used."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Duration:
    """A duration as "500ms", "30s", "5m", "2h" or "7d"; `seconds` is its length."""

    __slots__ = ("seconds", "text")

    def __init__(self, text: str) -> None:
        match = _DURATION.match(text.strip())
        if match is None:
            raise ValueError(
                f'"{text}" is no duration: write a number and a unit, such as "500ms", "30s", "5m", "2h" or "7d"'
            )
        self.text = text.strip()
        self.seconds = float(match[1]) * _SECONDS[match[2]]

    def __repr__(self) -> str:
        return f"Duration({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and other.seconds == self.seconds

    def __hash__(self) -> int:
        return hash(self.seconds)


class Rate:
    """A rate as "10/s", "1200/m": at most `count` in any window of `window_s` seconds."""

    __slots__ = ("count", "text", "window_s")

    def __init__(self, text: str) -> None:
        match = _RATE.match(text.strip())
        if match is None or float(match[1]) <= 0:
            raise ValueError(f'"{text}" is no rate: write a number, a slash and a unit, such as "10/s" or "1200/m"')
        self.text = text.strip()
        self.window_s = _SECONDS[match[2]]
        self.count = float(match[1])

    def __repr__(self) -> str:
        return f"Rate({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rate) and (other.count, other.window_s) == (self.count, self.window_s)

    def __hash__(self) -> int:
        return hash((self.count, self.window_s))


def setting(label: str, help_text: str, **limits: Any) -> msgspec.Meta:
    """The description of a field, for `Annotated[type, setting(...)]`; `limits` are msgspec.Meta's (ge, le, pattern …)."""
    return msgspec.Meta(title=label, description=help_text, **limits)


def decode_setting(kind: type, value: object) -> object:
    """msgspec's dec_hook for Secret, Duration and Rate; raises ValueError with a message that names the fix."""
    if kind in (Secret, Duration, Rate):
        if not isinstance(value, str):
            raise ValueError(f"expected a text, got {type(value).__name__}")
        return kind(value)
    raise NotImplementedError(f"{kind} is no type for a setting")


SecretText = Annotated[Secret, msgspec.Meta(extra_json_schema={"type": "string", "writeOnly": True})]
DurationText = Annotated[Duration, msgspec.Meta(extra_json_schema={"type": "string", "pattern": _DURATION.pattern})]
RateText = Annotated[Rate, msgspec.Meta(extra_json_schema={"type": "string", "pattern": _RATE.pattern})]
