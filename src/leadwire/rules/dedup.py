"""When two pushes are the same push."""

import hashlib

from leadwire.model.event import RawRequest
from leadwire.model.times import MINUTE


def dedup_key(request: RawRequest, push_id: str | None, *, collapses_identical: bool) -> bytes:
    """16 bytes that are equal for two pushes of one source exactly where the second is a repeat of the first.

    With the sender's own `push_id` a push is that id and its body: a retry repeats both, and the same id with another
    body is another event, so that neither is lost. Without one it is method, query, content-type and body. Where the
    records inside carry the source's ids (`collapses_identical`), identical bytes are one event for ever. Where they
    carry none, an identical body may be a real second enquiry, so the minute of arrival counts too: a double click or a
    quick retry is one event, the same form an hour later is another. A retry that crosses the minute is then kept twice.
    """
    digest = hashlib.blake2b(digest_size=16)
    if push_id is not None:
        _feed(digest, b"id", push_id.encode("utf-8", "surrogatepass"))
    else:
        minute = b"" if collapses_identical else b"%d" % (request.received_at // MINUTE)
        content_type = request.header("content-type") or ""
        _feed(
            digest,
            b"bytes",
            request.method.encode(),
            request.query,
            content_type.encode("utf-8", "surrogatepass"),
            minute,
        )
    digest.update(request.body)
    return digest.digest()


def _feed(digest: "hashlib.blake2b", *parts: bytes) -> None:
    digest.update(b"".join(b"%d:%b" % (len(part), part) for part in parts))
