"""The settings of a Meta Lead Ads source."""

from typing import Annotated

import msgspec

from leadwire.sdk import SecretText, setting


class MetaPage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Facebook Page whose leads are read with its own token."""

    id: Annotated[str, setting("Page id", "The number of the Facebook Page, as text.", pattern="^[0-9]{1,32}$")]
    access_token: Annotated[
        SecretText,
        setting("Page token", "A long-lived Page access token (or system user token) with leads_retrieval."),
    ]
    name: Annotated[str | None, setting("Page name", "How messages should call the page.")] = None


class MetaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a Meta Lead Ads source needs."""

    app_secret: Annotated[
        SecretText, setting("App secret", "App dashboard, App settings, Basic: it signs webhooks and proves our calls.")
    ]
    verify_token: Annotated[
        SecretText,
        setting(
            "Verify token", "A text of your choice; the same one is typed in where the callback URL is registered."
        ),
    ]
    app_secret_previous: Annotated[
        tuple[SecretText, ...],
        setting(
            "Previous app secrets", "Older secrets whose webhooks still count while you rotate. Calls use app_secret."
        ),
    ] = ()
    app_id: Annotated[
        str | None, setting("App id", "The number of the Meta app; needed only to register webhooks.")
    ] = None
    graph_url: Annotated[
        str, setting("Graph URL", "Where the Graph API is reached.", pattern="^https?://[^/?#]+(/[^?#]*)?$")
    ] = "https://graph.facebook.com"
    graph_version: Annotated[
        str, setting("Graph version", "The version of the Graph API, such as v26.0.", pattern=r"^v[0-9]+\.[0-9]+$")
    ] = "v26.0"
    pages: Annotated[
        tuple[MetaPage, ...], setting("Pages", "The pages whose leads are taken, each with its own token.")
    ] = ()
    require_proof: Annotated[
        bool,
        setting(
            "Send appsecret_proof",
            "Prove with every call that we hold the app secret. Turn off only where the page tokens belong to another app.",
        ),
    ] = True

    def __post_init__(self) -> None:
        if not self.app_secret:
            raise ValueError("app_secret is empty: copy it from the app dashboard, App settings, Basic")
        if not self.verify_token:
            raise ValueError("verify_token is empty: choose any long text and use it in the app dashboard too")
        ids = [page.id for page in self.pages]
        if len(set(ids)) != len(ids):
            raise ValueError("a page stands twice in pages: keep one entry per page id")
