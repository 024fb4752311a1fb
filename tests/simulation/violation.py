"""What an auditor finds."""

import msgspec


class Violation(msgspec.Struct, frozen=True):
    """A broken promise: a fixed word, and what exactly."""

    kind: str
    detail: str
