"""The simulated CRM: takes leads, keeps count, and fails as told. Time and chance come in by argument."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from random import Random
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from leadwire.model.times import SECOND, Instant, to_iso
from leadwire.simulators.chance import happens, spread
from leadwire.simulators.crm.faults import Faults, Scripted
from leadwire.simulators.crm.ledger import Arrival, Effect, Ledger, Row
from leadwire.simulators.crm.signature import read_secret, refusal
from leadwire.simulators.exchange import WorldAnswer, WorldRequest

_JSON = {"content-type": "application/json"}
_LIST_MAX = 1000


class _Envelope(msgspec.Struct):
    data: msgspec.Raw


class _Document(msgspec.Struct):
    id: str | int = ""
    version: int = 0
    records: list[msgspec.Raw] = []


_read_envelope = msgspec.json.Decoder(_Envelope).decode
_read_document = msgspec.json.Decoder(_Document).decode
_write = msgspec.json.Encoder().encode


class CrmWorld:
    """A stand-in of a CRM's webhook endpoint.

    `POST /leads` takes `{"data": {"id", "version", "records", …}}`; with a secret it must carry a Standard Webhooks signature.
    Idempotent, it writes one row per `data.id`; else every webhook-id that it has not seen makes a new row.
    `GET /leads[?limit=&after=]`, `GET /leads/{id}` and `GET /stats` show what it holds.
    """

    def __init__(
        self, random: Random, *, secret: str | None = None, idempotent: bool = True, faults: Faults | None = None
    ) -> None:
        self._random = random
        self._key = None if secret is None else read_secret(secret)
        self._ledger = Ledger(idempotent=idempotent)
        self._statuses: Counter[str] = Counter()
        self._script: deque[Scripted] = deque()
        self._faults = Faults()
        self.faults = faults or Faults()

    @property
    def faults(self) -> Faults:
        """The switches; setting them starts the script anew."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._script = deque(faults.script)

    @property
    def effects(self) -> Sequence[Effect]:
        """Every accepted POST, in order of arrival."""
        return self._ledger.effects

    @property
    def rows(self) -> Mapping[str, Row]:
        """What the CRM holds, by row id."""
        return self._ledger.rows

    def snapshot(self) -> dict[str, Any]:
        """The audit, and how many requests got which answer."""
        return {**self._ledger.audit(), "answers": dict(self._statuses)}

    def handle(self, request: WorldRequest, now: Instant) -> WorldAnswer:
        """Answer as the CRM would at this time."""
        if request.method == "POST" and request.path == "/leads":
            answer = self._faulty(now) or self._take(request, now)
            self._statuses[answer.fault if answer.fault != "none" else str(answer.status)] += 1
            return self._delayed(answer)
        if request.method == "GET" and request.path == "/stats":
            return _json(200, self.snapshot())
        if request.method == "GET" and request.path == "/leads":
            return self._list(request)
        if request.method == "GET" and request.path.startswith("/leads/"):
            row = self._ledger.rows.get(unquote(request.path.removeprefix("/leads/")))
            return _json(404, {"error": "no such lead"}) if row is None else _json(200, _shown(row))
        return _json(404, {"error": "not found"})

    def _faulty(self, now: Instant) -> WorldAnswer | None:
        faults = self._faults
        for outage in faults.outages:
            if outage.from_at <= now < outage.until_at:
                return _error(outage.status, "out of service") if outage.status else WorldAnswer(fault="reset")
        scripted = self._script.popleft() if self._script else None
        if scripted is not None:
            return None if scripted.status < 300 else _scripted(scripted, now)
        if happens(self._random, faults.reset_share):
            return WorldAnswer(fault="reset")
        if happens(self._random, faults.hang_share):
            return WorldAnswer(fault="hang")
        if happens(self._random, faults.server_error_share):
            return _error(500, "internal error")
        if happens(self._random, faults.error_body_share):
            return _json(200, {"success": False, "error": {"code": "LIMIT", "message": "the lead was not saved"}})
        return None

    def _take(self, request: WorldRequest, now: Instant) -> WorldAnswer:
        refused = None if self._key is None else refusal(self._key, request.headers, request.body, now)
        if refused is not None:
            return _error(401, refused)
        try:
            data = _read_envelope(request.body).data
            document = _read_document(data)
        except msgspec.MsgspecError as unreadable:
            return _error(400, str(unreadable))
        lead_id = str(document.id)
        if self._is_poison(lead_id, request.body):
            return _error(422, "the lead is not acceptable")
        arrival = Arrival(
            key=request.headers.get("webhook-id", ""),
            lead_id=lead_id,
            version=document.version,
            records=len(document.records),
            data=data,
        )
        row, kind = self._ledger.take(arrival, now)
        if happens(self._random, self._faults.lost_reply_share):
            return WorldAnswer(fault="lost_reply")
        return _json(201 if kind == "created" else 200, {"success": True, "id": row.id, "result": kind})

    def _is_poison(self, lead_id: str, body: bytes) -> bool:
        faults = self._faults
        return lead_id in faults.poison_leads or any(text.encode() in body for text in faults.poison_texts)

    def _delayed(self, answer: WorldAnswer) -> WorldAnswer:
        faults = self._faults
        delay = spread(self._random, faults.latency_us, faults.latency_jitter_us)
        if not delay and not faults.drip_us:
            return answer
        return msgspec.structs.replace(answer, delay_us=delay, drip_us=faults.drip_us)

    def _list(self, request: WorldRequest) -> WorldAnswer:
        params = dict(parse_qsl(request.query))
        limit_text, after_text = params.get("limit", "100"), params.get("after", "0")
        if not (limit_text.isdecimal() and after_text.isdecimal() and len(limit_text + after_text) < 18):
            return _error(400, "limit and after are whole numbers")
        limit, start = min(int(limit_text), _LIST_MAX), int(after_text)
        rows = list(self._ledger.rows.values())
        end = start + limit
        shown = [_shown(row) for row in rows[start:end]]
        return _json(200, {"items": shown, "next": str(end) if end < len(rows) else None, "total": len(rows)})


def _shown(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "lead_id": row.lead_id,
        "version": row.version,
        "writes": row.writes,
        "first_at": to_iso(row.first_at),
        "last_at": to_iso(row.last_at),
        "data": row.data,
    }


def _scripted(scripted: Scripted, now: Instant) -> WorldAnswer:
    answer = _error(scripted.status, "as told")
    if scripted.retry_after_s is None:
        return answer
    text = str(scripted.retry_after_s)
    if scripted.retry_after_as_date:
        text = formatdate(now // SECOND + scripted.retry_after_s, usegmt=True)
    return msgspec.structs.replace(answer, headers={**_JSON, "retry-after": text})


def _json(status: int, payload: Any) -> WorldAnswer:
    return WorldAnswer(status=status, headers=_JSON, body=_write(payload))


def _error(status: int, message: str) -> WorldAnswer:
    return _json(status, {"success": False, "error": {"message": message}})
