"""The simulated Knowlarity account: calls in; call log, hooks and stream out. Time and chance come in by argument."""

import heapq
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from leadwire.model.times import Instant
from leadwire.simulators.chance import happens, spread
from leadwire.simulators.exchange import WorldAnswer, WorldRequest
from leadwire.simulators.knowlarity.book import Account, Dialled, SimCall
from leadwire.simulators.knowlarity.call_log import WindowRefused, list_calls
from leadwire.simulators.knowlarity.faults import Faults
from leadwire.simulators.knowlarity.shapes import hook_form, hook_json, hook_query, stream_events
from leadwire.simulators.knowlarity.stream import KonnectStream, StreamExchange
from leadwire.simulators.push import Push

_JSON = {"content-type": "application/json"}


class KnowlarityWorld:
    """A stand-in of one account. Its hooks are sent once: a push that fails is gone."""

    def __init__(self, random: Random, *, account: Account, faults: Faults | None = None) -> None:
        self.account = account
        self._random = random
        self._calls: list[SimCall] = []
        self._exchange = StreamExchange(random)
        self._pushes: list[tuple[Instant, int, SimCall]] = []
        self._numbers = 0
        self._counts: Counter[str] = Counter()
        self.faults = faults or Faults()

    @property
    def faults(self) -> Faults:
        """The switches; set a new value to change them."""
        return self._exchange.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._exchange.faults = faults

    @property
    def calls(self) -> Sequence[SimCall]:
        """Every call, in the order in which they were dialled."""
        return self._calls

    def dial(self, dialled: Dialled, now: Instant) -> SimCall:
        """A call starts now. All that it will cause is queued for its time: events, a hook, a row of the log."""
        faults = self.faults
        is_answered = dialled.outcome == "answered"
        call = SimCall(
            uuid=str(UUID(int=self._random.getrandbits(128), version=4)),
            order=len(self._calls) + 1,
            dialled=dialled,
            started_at=now,
            is_withheld=happens(self._random, faults.withheld_share),
            is_agent_prefixed=is_answered and happens(self._random, faults.prefixed_agent_share),
            is_push_dropped=happens(self._random, faults.dropped_push_share),
        )
        self._calls.append(call)
        self._exchange.pump(now)
        for at, event in stream_events(call):
            self._exchange.schedule(at, event)
        if not call.is_push_dropped:
            copies = 2 if happens(self._random, faults.duplicate_push_share) else 1
            for _ in range(copies):
                due = call.ended_at + spread(self._random, faults.push_delay_us, faults.push_delay_jitter_us)
                self._numbers += 1
                heapq.heappush(self._pushes, (due, self._numbers, call))
        return call

    def notifications_due(self, now: Instant) -> list[Push]:
        """The hooks due by now, each to be sent once and then acknowledged."""
        pushes = []
        while self._pushes and self._pushes[0][0] <= now:
            _, number, call = heapq.heappop(self._pushes)
            pushes.append(self._push(number, call, now))
        self._counts["sent"] += len(pushes)
        return pushes

    def acknowledge(self, push: Push, status: int | None, now: Instant, body: bytes = b"") -> None:
        """What became of a hook. It is counted, and never sent again."""
        del push, now, body
        self._counts["acknowledged" if status is not None and 200 <= status < 300 else "lost"] += 1

    def next_push_at(self) -> Instant | None:
        """When the next hook is due, None while no call waits for its end."""
        return self._pushes[0][0] if self._pushes else None

    def stream(self, now: Instant) -> KonnectStream:
        """A new event stream; it hears only what happens from now on, and only until it is cut."""
        return self._exchange.open(now)

    def snapshot(self) -> dict[str, Any]:
        """Counts for tests and people: calls, hooks, requests."""
        return {
            "calls": len(self._calls),
            "hooks_never_sent": sum(call.is_push_dropped for call in self._calls),
            "stream_cuts": self._exchange.cuts,
            "counts": dict(self._counts),
        }

    def handle(self, request: WorldRequest, now: Instant) -> WorldAnswer:
        """Answer a call of the API as the platform would at this time."""
        faults = self.faults
        if happens(self._random, faults.reset_share):
            return WorldAnswer(fault="reset")
        if happens(self._random, faults.hang_share):
            return WorldAnswer(fault="hang")
        self._counts["requests"] += 1
        answer = self._answer(request, now)
        return msgspec.structs.replace(
            answer, delay_us=spread(self._random, faults.latency_us, faults.latency_jitter_us)
        )

    def _answer(self, request: WorldRequest, now: Instant) -> WorldAnswer:
        if request.path == f"/update-stream/{self.account.authorization}/konnect":
            return WorldAnswer(headers={"content-type": "text/event-stream"}, stream=self.stream(now))
        refused = self._gateway(request, now)
        if refused is not None:
            return refused
        account_path = f"/{self.account.channel}/v1/account"
        match request.method, request.path.removeprefix(account_path):
            case "GET", "/calllog":
                return self._call_log(request, now)
            case "POST", "/notifications":
                return _json(200, {"message": "Successfully registered."})
            case _:
                return _json(404, {"message": "Not Found"})

    def _gateway(self, request: WorldRequest, now: Instant) -> WorldAnswer | None:
        if self.faults.forbidden or request.headers.get("x-api-key") != self.account.api_key:
            return _json(403, {"message": "Forbidden"})
        if now < self.faults.throttled_until:
            return _json(429, {"message": "Too Many Requests"})
        if happens(self._random, self.faults.server_error_share):
            return _json(502, {"message": "Internal server error"})
        if request.headers.get("authorization") != self.account.authorization:
            return _json(401, {"message": "Unauthorized"})
        return None

    def _call_log(self, request: WorldRequest, now: Instant) -> WorldAnswer:
        params = dict(parse_qsl(request.query, keep_blank_values=True))
        try:
            return _json(200, list_calls(self._calls, params, request.path, self.faults, self._random, now))
        except WindowRefused as refused:
            return _json(400, {"error": {"message": str(refused)}})

    def _push(self, number: int, call: SimCall, now: Instant) -> Push:
        has_recording = call.ended_at + self.faults.recording_after_us <= now
        match self.faults.push_shape:
            case "json":
                return Push(
                    number=number,
                    headers={"Content-Type": "application/json"},
                    body=hook_json(call, has_recording=has_recording),
                )
            case "form":
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                return Push(number=number, headers=form, body=hook_form(call, has_recording=has_recording))
            case "query":
                return Push(number=number, method="GET", query=hook_query(call, has_recording=has_recording))


def _json(status: int, payload: Any) -> WorldAnswer:
    return WorldAnswer(status=status, headers=_JSON, body=msgspec.json.encode(payload))
