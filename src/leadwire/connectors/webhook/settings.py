"""The settings of a webhook source."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from leadwire.sdk import (
    Algorithm,
    Duration,
    DurationText,
    Encoding,
    SecretText,
    accepted_standard_keys,
    check_template,
    setting,
)

PERSON_FIELDS = ("full_name", "first_name", "last_name", "email", "phone", "city", "country", "company")
AD_FIELDS = (
    *("platform", "campaign_id", "campaign_name", "adset_id", "adset_name", "ad_id", "ad_name"),
    *("form_id", "form_name", "page_id"),
)
OTHER_FIELDS = ("occurred_at", "is_test")
MAPPABLE = frozenset((*PERSON_FIELDS, *AD_FIELDS, *OTHER_FIELDS))

Scheme = Literal["standard", "hmac", "token", "none"]


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How pushes prove themselves, and where their values stand."""

    scheme: Annotated[
        Scheme,
        setting(
            "Proof",
            '"standard" = Standard Webhooks, "hmac" = a signature in a header, "token" = a secret in the URL or a header, '
            '"none" = anybody may push.',
        ),
    ] = "standard"
    secret: Annotated[
        SecretText | None, setting("Secret", "The signing secret (whsec_… or any text), or the token.")
    ] = None
    secret_previous: Annotated[
        tuple[SecretText, ...], setting("Previous secrets", "Older secrets that still count while you rotate.")
    ] = ()
    header: Annotated[
        str,
        setting("Header", 'Where the signature ("hmac") or the token ("token") stands.', pattern="^[A-Za-z0-9-]*$"),
    ] = ""
    prefix: Annotated[str, setting("Prefix", 'What stands before the signature, such as "sha256=".')] = ""
    algorithm: Annotated[Algorithm, setting("Algorithm", "The hash of the HMAC.")] = "sha256"
    encoding: Annotated[Encoding, setting("Encoding", "How the signature is written.")] = "hex"
    template: Annotated[
        str, setting("Signed text", 'What is signed: "{body}", "{timestamp}.{body}" or "{id}.{timestamp}.{body}".')
    ] = "{body}"
    timestamp_header: Annotated[
        str, setting("Time header", "Where the time of sending stands; empty = none.", pattern="^[A-Za-z0-9-]*$")
    ] = ""
    id_header: Annotated[
        str,
        setting("Id header", "Where the id of a push stands, the same in every retry.", pattern="^[A-Za-z0-9-]*$"),
    ] = "webhook-id"
    tolerance: Annotated[DurationText, setting("Tolerance", "How far the time of sending may be from our clock.")] = (
        Duration("5m")
    )
    query: Annotated[
        str, setting("Token parameter", "The URL parameter that may hold the token.", pattern="^[A-Za-z0-9_-]*$")
    ] = "token"
    id: Annotated[
        str, setting("Record id", "JMESPath of the id of an enquiry, unique for ever; empty = the id of the push.")
    ] = ""
    items: Annotated[
        str, setting("Items", "JMESPath of the list of enquiries where one push holds several; empty = it holds one.")
    ] = ""
    fields: Annotated[
        dict[str, str],
        setting(
            "Fields", "JMESPath for standard fields whose names are not found by themselves, such as phone or email."
        ),
    ] = {}
    kind: Annotated[Literal["form", "visit"], setting("Kind", "What an enquiry is.")] = "form"
    timezone: Annotated[str, setting("Time zone", "The zone of times that come without one.")] = "UTC"

    def __post_init__(self) -> None:
        _check_proof(self)
        for name in self.fields:
            if name not in MAPPABLE:
                raise ValueError(f'fields: "{name}" is no standard field; use one of {", ".join(sorted(MAPPABLE))}')
        for name, path in {"id": self.id, "items": self.items, **self.fields}.items():
            _check_path(name, path)
        read_zone(self.timezone)


def revealed(settings: WebhookSettings) -> list[str]:
    """The secrets as text, the current one first."""
    current = () if settings.secret is None else (settings.secret,)
    return [secret.reveal() for secret in (*current, *settings.secret_previous)]


def read_zone(name: str) -> ZoneInfo:
    """The time zone of this name; raises ValueError with the fix."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'timezone "{name}" is not known here: write a name such as "UTC" or "Asia/Kolkata"') from None


def _check_proof(settings: WebhookSettings) -> None:
    secrets = revealed(settings)
    if settings.scheme != "none" and (settings.secret is None or not all(secrets)):
        raise ValueError(f'secret is empty: scheme "{settings.scheme}" needs one')
    match settings.scheme:
        case "standard":
            accepted_standard_keys(secrets)
        case "hmac":
            if not settings.header:
                raise ValueError('header is empty: scheme "hmac" needs the name of the header with the signature')
            check_template(settings.template)
            if "{timestamp}" in settings.template and not settings.timestamp_header:
                raise ValueError("timestamp_header is empty: the signed text has a {timestamp}")
            if "{id}" in settings.template and not settings.id_header:
                raise ValueError("id_header is empty: the signed text has an {id}")
        case "token":
            if not settings.header and not settings.query:
                raise ValueError('header and query are both empty: scheme "token" needs one of them')
        case "none":
            pass


def _check_path(name: str, path: str) -> None:
    if not path:
        return
    try:
        jmespath.compile(path)
    except JMESPathError as error:
        raise ValueError(f'{name}: "{path}" is no JMESPath ({str(error).splitlines()[0]})') from None
