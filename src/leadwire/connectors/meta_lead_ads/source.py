"""The Meta Lead Ads source: the door for its webhooks, and the reading of the leads they name."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl

from leadwire.connectors.meta_lead_ads.graph import BATCH_MAX, Graph, Read
from leadwire.connectors.meta_lead_ads.lead import lead_record
from leadwire.connectors.meta_lead_ads.notice import read_notice
from leadwire.connectors.meta_lead_ads.refusals import GraphAnswer, GraphError, as_source_error, read_answer
from leadwire.connectors.meta_lead_ads.settings import MetaPage, MetaSettings
from leadwire.connectors.meta_lead_ads.usage import WHOLE_APP, read_usage
from leadwire.sdk import (
    HOUR,
    MINUTE,
    DoorAnswer,
    Instant,
    Parsed,
    Pointer,
    RawRequest,
    Record,
    SignatureInvalid,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    Throttled,
    Tools,
    is_any_of,
    is_signed,
    read_json,
    seconds,
)

SIGNATURE_HEADER = "x-hub-signature-256"
_LEAST = "id,created_time,form_id,field_data"
_WITHOUT_ADS = f"{_LEAST},is_organic,platform,custom_disclaimer_responses"
FIELD_LISTS = (
    f"{_WITHOUT_ADS},ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name",
    _WITHOUT_ADS,
    _LEAST,
)
FEWER_FIELDS_FOR: Instant = HOUR
ALMOST_FULL_PERCENT = 95.0
HOLD_LEAST: Instant = MINUTE
_PREFIX = "sha256="
_NON_ASCII = re.compile(r"[^\x00-\x7f]")
_CHALLENGE_MAX = 256


class MetaLeadAds:
    """Takes Meta's signed webhooks and reads each lead with its page's token.

    `usage` is the per cent used of each limit: by page id, and "*" for the whole app. `served_version` is the Graph
    version that answered last: an unknown version silently falls back to another.
    """

    fetch_batch_max = BATCH_MAX

    def __init__(self, settings: MetaSettings, tools: Tools) -> None:
        self.usage: dict[str, float] = {}
        self.served_version: str | None = None
        self._settings = settings
        self._now = tools.now
        self._pages = {page.id: page for page in settings.pages}
        self._secrets = [secret.reveal().encode() for secret in (settings.app_secret, *settings.app_secret_previous)]
        self._graph = Graph(settings, tools, self._heard)
        self._held_until: dict[str, Instant] = {}
        self._fewer_fields: dict[str, tuple[int, Instant]] = {}

    @property
    def scopes(self) -> tuple[str, ...]:
        """The pages that are configured: ids that were parked for the want of one are fetched after a restart."""
        return tuple(self._pages)

    def handshake(self, request: RawRequest) -> DoorAnswer | None:
        """The challenge as plain text for a GET with our verify token. Raises SignatureInvalid for any other GET: Meta pushes by POST."""
        if request.method != "GET":
            return None
        asked = dict[str, list[str]]()
        for name, value in parse_qsl(request.query.decode("latin-1"), keep_blank_values=True):
            asked.setdefault(name, []).append(value)
        token, challenge = _single(asked, "hub.verify_token"), _single(asked, "hub.challenge")
        if not is_any_of(token, [self._settings.verify_token.reveal()]) or _single(asked, "hub.mode") != "subscribe":
            raise SignatureInvalid("the verify token does not match verify_token")
        if not 0 < len(challenge) <= _CHALLENGE_MAX:
            raise SignatureInvalid("the challenge is missing")
        return DoorAnswer(body=challenge.encode("utf-8", "replace"))

    def verify(self, request: RawRequest) -> None:
        """Raises SignatureInvalid unless X-Hub-Signature-256 stands exactly once and signs the received bytes."""
        presented = request.header(SIGNATURE_HEADER)
        if presented is None or not presented.startswith(_PREFIX):
            raise SignatureInvalid("X-Hub-Signature-256 is missing, repeated or of another kind")
        digest = presented.removeprefix(_PREFIX)
        if is_signed(digest, request.body, self._secrets):
            return
        escaped = _escaped(request.body)
        if escaped is None or not is_signed(digest, escaped, self._secrets):
            raise SignatureInvalid

    def parse(self, request: RawRequest) -> Iterable[Parsed]:
        """A pointer for every lead that the webhook names; raises PayloadInvalid for a body that is no JSON object."""
        return list(read_notice(read_json(request.body), self._pages))

    async def fetch(self, pointers: Sequence[Pointer]) -> Sequence[Record | SourceError]:
        """The record of each lead, or the typed reason why not. Never raises: one bad lead costs no other."""
        by_page: dict[str, list[int]] = {}
        for position, pointer in enumerate(pointers):
            by_page.setdefault(pointer.scope, []).append(position)
        results: dict[int, Record | SourceError] = {}
        for page_id, positions in by_page.items():
            for start in range(0, len(positions), BATCH_MAX):
                some = positions[start : start + BATCH_MAX]
                read = await self._fetch_of_page(page_id, [pointers[position] for position in some])
                results.update(zip(some, read, strict=True))
        return [results[position] for position in range(len(pointers))]

    async def _fetch_of_page(self, page_id: str, pointers: Sequence[Pointer]) -> Sequence[Record | SourceError]:
        page = self._pages.get(page_id)
        if page is None:
            return [SourceRefused(f"page {page_id} is not configured: add it to [[sources.NAME.pages]]")] * len(
                pointers
            )
        held = self._hold(page_id)
        if held is not None:
            return [held] * len(pointers)
        results: dict[int, Record | SourceError] = {}
        waiting = list(range(len(pointers)))
        level = self._level(page_id)
        while waiting:
            answers = await self._graph.read(page, [pointers[index].native_id for index in waiting], FIELD_LISTS[level])
            may_ask_less = level + 1 < len(FIELD_LISTS)
            read = [
                self._result(page, pointers[index], answer, may_ask_less=may_ask_less)
                for index, answer in zip(waiting, answers, strict=True)
            ]
            if not _has_record(results.values()) and _has_record(read):
                self._remember(page_id, level)
            results |= {index: result for index, result in zip(waiting, read, strict=True) if result is not None}
            waiting = [index for index in waiting if index not in results]
            level += 1
        return [results[index] for index in range(len(pointers))]

    def _result(
        self, page: MetaPage, pointer: Pointer, answer: Read, *, may_ask_less: bool
    ) -> Record | SourceError | None:
        """None where the same lead should be asked for with fewer fields."""
        if isinstance(answer, SourceError):
            return answer
        lead = read_answer(answer)
        if isinstance(lead, GraphError):
            if lead.may_be_a_field and may_ask_less:
                return None
            return as_source_error(lead, answer, page.id, self._now())
        if not isinstance(lead, dict) or "id" not in lead:
            return SourceUnavailable("Meta's answer is no lead")
        context = {"page_id": page.id, **pointer.context}
        return lead_record(lead, native_id=pointer.native_id, context=context, occurred_at=pointer.occurred_at)

    def _level(self, page_id: str) -> int:
        level, until = self._fewer_fields.get(page_id, (0, 0))
        return level if self._now() < until else 0

    def _remember(self, page_id: str, level: int) -> None:
        """Start with this field list for a while, where no lead could be read with a longer one."""
        if level > self._level(page_id):
            self._fewer_fields[page_id] = (level, self._now() + FEWER_FIELDS_FOR)

    def _hold(self, page_id: str) -> Throttled | None:
        now = self._now()
        for scope in (WHOLE_APP, page_id):
            until = self._held_until.get(scope, 0)
            if now < until:
                percent = self.usage.get(scope, 0.0)
                whose = "the app" if scope == WHOLE_APP else f"page {scope}"
                return Throttled(
                    f"{whose} has used {percent:g} % of its limit: waiting before Meta refuses",
                    until=until,
                    scope=scope,
                )
        return None

    def _heard(self, page_id: str, answer: GraphAnswer) -> None:
        self.served_version = answer.headers.get("facebook-api-version", self.served_version)
        reading = read_usage(answer.headers)
        wait = max(seconds(reading.page_wait_s), HOLD_LEAST)
        for scope, percent, pause in (
            (WHOLE_APP, reading.app_percent, HOLD_LEAST),
            (page_id, reading.page_percent, wait),
        ):
            if percent is None:
                continue
            self.usage[scope] = percent
            if percent >= ALMOST_FULL_PERCENT:
                self._held_until[scope] = self._now() + pause
            else:
                self._held_until.pop(scope, None)


def _has_record(results: Iterable[Record | SourceError | None]) -> bool:
    return any(isinstance(result, Record) for result in results)


def _single(asked: dict[str, list[str]], name: str) -> str:
    values = asked.get(name, [])
    return values[0] if len(values) == 1 else ""


def _escaped(body: bytes) -> bytes | None:
    r"""The body with each non-ASCII letter as lower-case \uXXXX, the form that Meta signs; None where it is ASCII already or no UTF-8."""
    if body.isascii():
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return _NON_ASCII.sub(_escape, text).encode("ascii")


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))
