"""The settings of a Knowlarity source."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from leadwire.sdk import SecretText, setting


class KnowlaritySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a Knowlarity source needs. Pushes need `webhook_token`; the call log needs `authorization` and `api_key`."""

    webhook_token: Annotated[
        SecretText | None,
        setting("Webhook token", "A long random text; it stands in the URL that you type into Knowlarity's dashboard."),
    ] = None
    api_url: Annotated[
        str, setting("Call log URL", "Where the call log is read.", pattern="^(https?://[^/?#]+(/[^?#]*)?)?$")
    ] = "https://kpi.knowlarity.com/Basic/v1/account/calllog"
    stream_url: Annotated[
        str,
        setting(
            "Stream URL", "Where live events are heard; empty = not at all.", pattern="^(https?://[^/?#]+(/[^#]*)?)?$"
        ),
    ] = ""
    authorization: Annotated[
        SecretText | None, setting("SR API key", "The key of the account, sent as it is in the Authorization header.")
    ] = None
    api_key: Annotated[SecretText | None, setting("x-api-key", "The key of Knowlarity's gateway, 40 letters.")] = None
    channel: Annotated[
        Literal["Basic", "Advance", "Premium", "Enterprise"], setting("Channel", "The plan of the account.")
    ] = "Basic"
    timezone: Annotated[str, setting("Time zone", "The zone of times that come without one, such as Asia/Kolkata.")] = (
        "Asia/Kolkata"
    )

    def __post_init__(self) -> None:
        read_zone(self.timezone)


def read_zone(name: str) -> ZoneInfo:
    """The time zone of this name; raises ValueError with the fix."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f'timezone "{name}" is not known here: write a name such as "Asia/Kolkata" (and install tzdata if that is refused too)'
        ) from None
