"""The webhook source: the door for signed pushes of any shape."""

from collections.abc import Iterable

from leadwire.connectors.webhook.enquiry import Enquiries
from leadwire.connectors.webhook.settings import WebhookSettings, revealed
from leadwire.sdk import (
    SECOND,
    Fields,
    Parsed,
    PayloadInvalid,
    RawRequest,
    SignatureInvalid,
    StandardSigned,
    Tools,
    accepted_standard_keys,
    check_timestamp,
    is_any_of,
    is_json,
    is_signed,
    is_standard_id,
    read_form,
    read_json,
    read_query,
    signed_text,
    verify_standard,
)

DEFAULT_DOOR_HEADER = "x-leadwire-token"


class Webhook:
    """Takes JSON, urlencoded and multipart pushes, proven by the scheme of its settings.

    `collapse_identical` is true where enquiries carry ids of their own: identical bytes are then one push for ever.
    """

    def __init__(self, settings: WebhookSettings, tools: Tools) -> None:  # noqa: ARG002  every source is built alike
        self._settings = settings
        self._secrets = revealed(settings)
        self._keys = accepted_standard_keys(self._secrets) if settings.scheme == "standard" else ()
        self._id_header = "webhook-id" if settings.scheme == "standard" else settings.id_header.lower()
        self.collapse_identical = bool(settings.id)
        self._enquiries = Enquiries(settings)

    def verify(self, request: RawRequest) -> None:
        """Raises SignatureInvalid unless the request proves itself by the configured scheme. A repeated header proves nothing."""
        match self._settings.scheme:
            case "standard":
                self._verify_standard(request)
            case "hmac":
                self._verify_hmac(request)
            case "token":
                self._verify_token(request)
            case "none":
                return

    def push_id(self, request: RawRequest) -> str | None:
        """The id that the sender gave this push, the same in every retry; None where it gave none that can be trusted to be one."""
        given = request.header(self._id_header) if self._id_header else None
        return given if given is not None and is_standard_id(given) else None

    def parse(self, request: RawRequest) -> Iterable[Parsed]:
        """Every enquiry of the push; raises PayloadInvalid where nothing can be read."""
        payload = read_json(request.body) if is_json(request) else self._form(request)
        parsed = list(self._enquiries.read(payload, push_id=self.push_id(request), received_at=request.received_at))
        if not parsed:
            raise PayloadInvalid("the push holds no enquiry")
        return parsed

    def _verify_standard(self, request: RawRequest) -> None:
        signed = StandardSigned(
            message_id=request.header("webhook-id") or "",
            timestamp=request.header("webhook-timestamp") or "",
            signatures=request.header("webhook-signature") or "",
            body=request.body,
        )
        now_s = request.received_at / SECOND
        verify_standard(signed, self._keys, now_s=now_s, tolerance_s=self._settings.tolerance.seconds)

    def _verify_hmac(self, request: RawRequest) -> None:
        settings = self._settings
        presented = request.header(settings.header.lower())
        if presented is None or not presented.startswith(settings.prefix):
            raise SignatureInvalid(f"{settings.header} is missing, repeated or of another kind")
        timestamp = ""
        if settings.timestamp_header:
            timestamp = request.header(settings.timestamp_header.lower()) or ""
            check_timestamp(
                timestamp,
                now_s=request.received_at / SECOND,
                tolerance_s=settings.tolerance.seconds,
                header=settings.timestamp_header,
            )
        message = signed_text(
            settings.template, body=request.body, timestamp=timestamp, message_id=self._id_to_sign(request)
        )
        digest = presented.removeprefix(settings.prefix)
        keys = [secret.encode() for secret in self._secrets]
        if not is_signed(digest, message, keys, algorithm=settings.algorithm, encoding=settings.encoding):
            raise SignatureInvalid

    def _id_to_sign(self, request: RawRequest) -> str:
        if "{id}" not in self._settings.template:
            return ""
        push_id = self.push_id(request)
        if push_id is None:  # an id with a dot could move bytes between the parts of the signed text
            raise SignatureInvalid(f"{self._settings.id_header} is missing, repeated, too long or holds odd characters")
        return push_id

    def _verify_token(self, request: RawRequest) -> None:
        settings = self._settings
        header = settings.header.lower() or DEFAULT_DOOR_HEADER
        presented = [value for name, value in request.headers if name == header]
        if settings.query:
            try:
                presented += read_query(request.query).get(settings.query, [])
            except PayloadInvalid:
                raise SignatureInvalid("the query can't be read") from None
        if len(presented) != 1:
            raise SignatureInvalid("the token is missing or given twice")
        if not is_any_of(presented[0], [f"{settings.prefix}{secret}" for secret in self._secrets if secret]):
            raise SignatureInvalid("the token does not match")

    def _form(self, request: RawRequest) -> dict[str, str | list[str]]:
        fields: Fields = read_form(request) if request.body.strip() else read_query(request.query)
        if not fields:
            raise PayloadInvalid("the push holds no values")
        return {
            name: values[0] if len(values) == 1 else values
            for name, values in fields.items()
            if not (self._settings.scheme == "token" and name == self._settings.query)
        }
