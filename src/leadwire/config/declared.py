"""The settings that leadwire itself declares; a connector declares its own in its folder.

Everything that shows settings (the decoder's messages, the JSON Schema, docs/configuration.md) is drawn from here.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from leadwire.rules.egress_addresses import Allowlist
from leadwire.sdk.settings import Duration, DurationText, RateText, SecretText, setting

_REGION = r"^([A-Z]{2})?$"


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """The HTTP server: webhook doors, API and pages."""

    host: Annotated[
        str, setting("Address", "The address to listen on. Use 0.0.0.0 behind a proxy or in a container.")
    ] = "127.0.0.1"
    port: Annotated[int, setting("Port", "The port to listen on; 0 takes any free one.", ge=0, le=65_535)] = 8080
    public_url: Annotated[
        str,
        setting(
            "Public address",
            "The address at which the outside reaches this server; links and webhook addresses use it.",
        ),
    ] = ""
    body_bytes_max: Annotated[
        int,
        setting(
            "Largest body", "Bytes of the largest request body that is taken; a larger one is answered 413.", ge=1_024
        ),
    ] = 1_048_576
    body_timeout: Annotated[
        DurationText,
        setting("Body deadline", "How long a request may take to send its body before it is answered 408."),
    ] = Duration("10s")
    connectors: Annotated[
        str, setting("Own connectors", "A folder with connectors of your own, one folder each, relative to this file.")
    ] = ""
    log_format: Annotated[
        Literal["auto", "json", "console"],
        setting("Log format", "How log lines look; auto writes for people on a terminal and JSON elsewhere."),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        setting("Log level", "The least important lines that are written."),
    ] = "info"

    def __post_init__(self) -> None:
        if self.public_url and not re.match(r"^https?://[^/\s]+", self.public_url):
            raise ValueError('public_url is no web address: write it as "https://leads.example.com"')


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the ledger is kept."""

    url: Annotated[
        str,
        setting(
            "Ledger",
            "sqlite:///FILE (relative to this file; four slashes for an absolute path) or postgresql://USER@HOST/DB.",
        ),
    ] = "sqlite:///leadwire.db"

    def __post_init__(self) -> None:
        if not re.match(r"^(sqlite:///.|postgres(ql)?://.)", self.url):
            raise ValueError('url names no ledger: write "sqlite:///leadwire.db" or "postgresql://user@host/database"')

    @property
    def file(self) -> Path | None:
        """The ledger's file; None where the ledger is no file of ours."""
        return Path(self.url.removeprefix("sqlite:///")) if self.url.startswith("sqlite:///") else None


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """How records find their lead."""

    default_region: Annotated[
        str,
        setting(
            "Default region",
            'The country of phone numbers that are written without one, as two capital letters ("IN").',
            pattern=_REGION,
        ),
    ] = ""
    keys_per_lead_max: Annotated[
        int,
        setting(
            "Most keys per lead",
            "A lead with that many phones or e-mails takes no further one: such a number is a call centre's.",
            ge=1,
        ),
    ] = 10


class Egress(msgspec.Struct, frozen=True, kw_only=True):
    """Which addresses leadwire may call. Public ones always; loopback and private ones only where they are listed."""

    allow: Annotated[
        list[str],
        setting(
            "Allowed addresses",
            'Networks ("10.0.0.0/8", "127.0.0.1") or host names ("crm.internal") besides public ones.',
        ),
    ] = []

    def __post_init__(self) -> None:
        try:
            Allowlist(self.allow)
        except ValueError as error:
            raise ValueError(f"allow has {error}") from None


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long things are kept. Leads and records stay until they are erased: a record is unique for ever."""

    events: Annotated[DurationText, setting("Events", "How long pushed events are kept as they came in.")] = Duration(
        "90d"
    )
    ended_deliveries: Annotated[
        DurationText, setting("Ended deliveries", "How long superseded and cancelled deliveries are kept.")
    ] = Duration("30d")
    session_idle: Annotated[DurationText, setting("Idle sign-in", "A sign-in that nobody used for that long ends.")] = (
        Duration("12h")
    )
    session: Annotated[DurationText, setting("Sign-in", "No sign-in lasts longer than this.")] = Duration("14d")


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every source takes, whatever its type. A type may bring another default for any of them."""

    type: Annotated[str, setting("Type", "Which connector reads it.")]
    poll: Annotated[DurationText, setting("Poll interval", 'How often it is asked for new leads; "0s" never asks.')] = (
        Duration("5m")
    )
    look_back: Annotated[
        DurationText, setting("Look-back", "How far behind the newest lead seen each poll reads again, for late ones.")
    ] = Duration("15m")
    test_leads: Annotated[
        Literal["flag", "drop", "deliver"],
        setting("Test leads", "flag keeps and shows them, drop leaves them out, deliver treats them as real."),
    ] = "flag"
    identity: Annotated[
        bool,
        setting("Identity", "Whether its records are joined to persons by phone and e-mail; off: each row is a lead."),
    ] = True


class DestinationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every destination takes, whatever its type. A type may bring another default for any of them."""

    type: Annotated[str, setting("Type", "Which connector writes to it.")]
    concurrency: Annotated[
        int, setting("Concurrency", "How many deliveries may be under way at once.", ge=1, le=1_000)
    ] = 8
    rate: Annotated[
        RateText | None, setting("Rate", 'The most requests in any window of time, such as "10/s" or "1200/m".')
    ] = None
    timeout: Annotated[DurationText, setting("Timeout", "The deadline of one whole request.")] = Duration("15s")
    retry_horizon: Annotated[
        DurationText, setting("Retry horizon", "How long a failing delivery is tried again before it is a dead letter.")
    ] = Duration("7d")
    batch: Annotated[
        int, setting("Batch", "The most deliveries in one call, where the type can take several.", ge=1, le=10_000)
    ] = 100
    grain: Annotated[
        Literal["lead", "record"],
        setting(
            "Grain", "lead brings the newest state of a lead; record brings every enquiry once (for lists and chats)."
        ),
    ] = "lead"


class SyncSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A route from sources to a destination."""

    sources: Annotated[list[str], setting("From", "The names of the sources.")] = msgspec.field(name="from")
    to: Annotated[str, setting("To", "The name of the destination.")]
    where: Annotated[
        str, setting("Where", "A JMESPath condition on the lead document; only leads that meet it are delivered.")
    ] = ""
    fields: Annotated[
        dict[str, str], setting("Fields", "A JMESPath expression per target field; empty: the whole lead document.")
    ] = {}
    trigger_path: Annotated[
        str, setting("Trigger path", "A second path that runs this sync on POST, such as /sync-kv-now.")
    ] = ""
    trigger_token: Annotated[
        SecretText | None, setting("Trigger token", "A Bearer token that may run this sync and nothing else.")
    ] = None
