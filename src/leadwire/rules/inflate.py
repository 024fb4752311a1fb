"""Undoing a content-encoding without ever holding more than was agreed."""

import zlib
from typing import Final

from leadwire.model.errors import LeadwireError

_STEP_BYTES: Final = 65_536
_RATIO_FREE_BYTES: Final = 65_536
_WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class EncodingUnknown(LeadwireError):
    """The content-encoding is none that we undo."""


class EncodingBroken(LeadwireError):
    """The bytes do not match their content-encoding."""


class DecodedTooLarge(LeadwireError):
    """The decoded bytes are more than allowed."""


def inflate(body: bytes, encoding: str, *, bytes_max: int, ratio_max: int) -> bytes:
    """The decoded bytes of a body with this content-encoding ("", "identity", "gzip" or "deflate").

    Never holds more than `bytes_max` of output and one step: raises DecodedTooLarge as soon as the output passes it, or
    passes `ratio_max` times the input (small outputs are exempt). Raises EncodingUnknown for anything else, stacked
    encodings too, and EncodingBroken for damaged or cut-off input or for bytes behind its end.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    window_bits = _WINDOW_BITS.get(name)
    if window_bits is None:
        raise EncodingUnknown(f"the content-encoding is none of gzip, deflate and identity ({len(name)} characters)")
    if name == "deflate" and not _has_zlib_header(body):
        window_bits = -15
    allowed = min(bytes_max, max(_RATIO_FREE_BYTES, ratio_max * len(body)))
    return _inflate(body, window_bits, allowed)


def _has_zlib_header(body: bytes) -> bool:
    return len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0


def _inflate(body: bytes, window_bits: int, allowed: int) -> bytes:
    decoder = zlib.decompressobj(window_bits)
    pieces: list[bytes] = []
    size = 0
    pending = body
    try:
        while not decoder.eof:
            piece = decoder.decompress(pending, min(_STEP_BYTES, allowed - size + 1))
            pending = decoder.unconsumed_tail
            size += len(piece)
            if size > allowed:
                raise DecodedTooLarge(f"the decoded bytes are more than {allowed}")
            if not piece and not pending and not decoder.eof:
                raise EncodingBroken("the encoded bytes end too early")
            pieces.append(piece)
    except zlib.error as error:
        raise EncodingBroken("the bytes do not match their content-encoding") from error
    if decoder.unused_data:
        raise EncodingBroken("bytes stand behind the end of the encoded ones")
    return b"".join(pieces)
