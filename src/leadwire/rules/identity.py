"""Whose lead a record is: deterministic, by E.164 phone and e-mail, and careful not to merge two people into one."""

from collections.abc import Collection, Sequence

import msgspec

from leadwire.model.record import Record
from leadwire.rules.emails import normal_email
from leadwire.rules.phones import normal_phone


class IdentityPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How the records of a source find their lead. `is_on` False: every record is a lead of its own (table rows).

    `keys_per_lead_max`: a lead with that many phones or e-mails takes no further one: such a number is a call centre's or a
    placeholder, not a person's.
    """

    is_on: bool = True
    region: str | None = None
    keys_per_lead_max: int = 10


def identity_keys(record: Record, policy: IdentityPolicy) -> list[str]:
    """The keys a record is known by, the phone first; none where identity is off, and none for test data (all of it looks alike)."""
    if not policy.is_on or record.is_test:
        return []
    phone = normal_phone(record.phone, policy.region)
    email = normal_email(record.email)
    return [key for key in (phone and f"phone:{phone}", email and f"email:{email}") if key]


def can_take(held: Collection[str], key: str, policy: IdentityPolicy) -> bool:
    """Whether a lead that holds these keys may take this one too."""
    kind = key.partition(":")[0]
    return key in held or sum(1 for other in held if other.startswith(kind + ":")) < policy.keys_per_lead_max


def can_merge(one: tuple[str, Collection[str]], other: tuple[str, Collection[str]]) -> bool:
    """Whether two leads (id, keys) that a record connects may become one.

    Not where each already has a phone and an e-mail of its own: two whole identities are two people until someone says
    otherwise. And never where someone said otherwise, by splitting them.
    """
    is_apart = apart_key(one[0]) in other[1] or apart_key(other[0]) in one[1]
    return not is_apart and not (_is_whole(one[1]) and _is_whole(other[1]))


def apart_key(lead_id: str) -> str:
    """The key by which a lead remembers that it was split from that one."""
    return f"apart:{lead_id}"


def _is_whole(keys: Collection[str]) -> bool:
    return {key.partition(":")[0] for key in keys} >= {"phone", "email"}


def merge_reason(keys: Sequence[str]) -> str:
    """Why two leads became one, in words that name the kinds of keys and never their values."""
    kinds = sorted({key.partition(":")[0] for key in keys})
    return f"one record carries the {' and the '.join(kinds)} of both"
