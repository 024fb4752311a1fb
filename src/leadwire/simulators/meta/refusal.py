"""Graph API errors, in Meta's own envelope. Nearly all of them are HTTP 400; throttling is too, and has no Retry-After."""

from collections.abc import Mapping
from random import Random
from typing import Any

_TRACE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Refused(Exception):
    """A request that the Graph API answers with an error."""

    def __init__(
        self, code: int, message: str, *, kind: str = "OAuthException", status: int = 400, **extra: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers: Mapping[str, str] = {}
        self.error: dict[str, Any] = {"message": message, "type": kind, "code": code, **extra}

    def envelope(self, random: Random) -> dict[str, Any]:
        """The JSON body, with a trace id of its own."""
        trace = "A" + "".join(random.choices(_TRACE_LETTERS, k=22))
        return {"error": {**self.error, "fbtrace_id": trace}}


def not_visible(object_id: str, method: str = "get") -> Refused:
    """100/33: unknown, not yet readable, or not ours to read; the platform does not say which."""
    return Refused(
        100,
        f"Unsupported {method} request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api",
        kind="GraphMethodException",
        error_subcode=33,
    )


def leads_access_denied() -> Refused:
    """What a customised Leads Access Manager answers to a CRM that was not assigned."""
    return Refused(200, "(#200) Leads access has not been granted to this app. Assign it in Leads Access Manager.")


def ads_permission_missing(field: str) -> Refused:
    """A field that needs an ads permission was asked for."""
    return Refused(200, f"(#200) Requires ads_management permission to read the field {field}")


def no_such_field(field: str, node_type: str) -> Refused:
    """A field or an edge that the node does not have."""
    return Refused(100, f"(#100) Tried accessing nonexisting field ({field}) on node type ({node_type})")


def bad_parameter(message: str) -> Refused:
    """A parameter that the platform does not take."""
    return Refused(100, f"(#100) {message}")


def unknown_path(path: str) -> Refused:
    """A path that leads nowhere."""
    return Refused(2500, f"Unknown path components: /{path}")


def token_missing() -> Refused:
    """No token at all."""
    return Refused(104, "An access token is required to request this resource.")


def token_unknown() -> Refused:
    """A token that nobody issued."""
    return Refused(190, "Invalid OAuth access token - Cannot parse access token")


_DEAD_TOKEN = {
    458: "Error validating access token: The user has not authorized application.",
    459: "Error validating access token: The user is enrolled in a blocking, logged-in checkpoint.",
    460: "Error validating access token: The session has been invalidated because the user changed their password "
    "or Facebook has changed the session for security reasons.",
    463: "Error validating access token: Session has expired.",
    467: "Error validating access token: The session is invalid because the user logged out.",
}


def token_dead(subcode: int) -> Refused:
    """A token that worked once."""
    message = _DEAD_TOKEN.get(subcode, "Error validating access token: The session is invalid.")
    return Refused(190, message, error_subcode=subcode)


def proof_missing() -> Refused:
    """The app demands a proof and got none."""
    return Refused(100, "API calls from the server require an appsecret_proof argument", kind="GraphMethodException")


def proof_wrong() -> Refused:
    """The proof is not the HMAC of this token."""
    return Refused(100, "Invalid appsecret_proof provided in the API argument", kind="GraphMethodException")


def app_limit() -> Refused:
    """The hourly limit of the whole app."""
    return Refused(4, "(#4) Application request limit reached", is_transient=True)


def custom_limit() -> Refused:
    """A custom limit, or too erratic a volume."""
    return Refused(613, "(#613) Calls to this api have exceeded the rate limit.", error_subcode=1996)


def leadgen_limit() -> Refused:
    """The lead generation limit of one business use case."""
    return Refused(
        80005, "(#80005) There have been too many leadgen api calls to this Page account. Wait a bit and try again."
    )


def too_much_data() -> Refused:
    """The page asked for is too large."""
    return Refused(
        1,
        "Please reduce the amount of data you're asking for, then retry your request",
        status=500,
    )


def server_error(code: int) -> Refused:
    """A passing fault on the platform's side: code 1 or 2."""
    message = "An unknown error has occurred." if code == 1 else "Service temporarily unavailable"
    return Refused(code, message, status=500, is_transient=True)
