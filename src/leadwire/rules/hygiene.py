"""Text that some store can't hold gets the same verdict everywhere: the character is replaced, the record goes on."""

from typing import Any

import msgspec

from leadwire.model.record import Record

REPLACEMENT = "\ufffd"


def clean(record: Record) -> Record:
    """The record without NUL characters and lone surrogates (PostgreSQL refuses the first, UTF-8 the second); each becomes U+FFFD.

    The raw bytes of a push are kept unchanged in the event log.
    """
    try:
        if b"\\u0000" not in msgspec.json.encode(record):
            return record
    except UnicodeEncodeError:
        pass
    return msgspec.convert(_scrub(msgspec.to_builtins(record)), Record)


def _scrub(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", REPLACEMENT).encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_scrub(key): _scrub(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_scrub(item) for item in value]
    return value
