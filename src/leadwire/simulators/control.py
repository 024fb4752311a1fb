"""The switchboard of a running simulator: read its state, set its fault switches. Loopback only, never part of the API it imitates."""

from typing import Any, Protocol

import msgspec

from leadwire.model.times import Instant
from leadwire.simulators.exchange import WorldAnswer, WorldRequest

PREFIX = "/_sim/"
_JSON = {"content-type": "application/json"}


class Simulated(Protocol):
    """What the server needs of a world: answers, switches and counts."""

    faults: Any

    def handle(self, request: WorldRequest, now: Instant) -> WorldAnswer:
        """Do what the real service would do at this time; never raises for bad input."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Counts for tests and people."""
        ...


def control(world: Simulated, request: WorldRequest) -> WorldAnswer:
    """Answer `GET /_sim/state`, `GET /_sim/faults` and `POST /_sim/faults`; a POST changes only the switches it names."""
    match request.method, request.path.removeprefix(PREFIX):
        case "GET", "state":
            return _answer(200, world.snapshot())
        case "GET", "faults":
            return _answer(200, world.faults)
        case "POST", "faults":
            return _set_faults(world, request.body)
        case _:
            return _answer(404, {"error": "there is GET state, GET faults and POST faults"})


def _set_faults(world: Simulated, body: bytes) -> WorldAnswer:
    try:
        changes = msgspec.json.decode(body, type=dict[str, Any])
        merged = msgspec.to_builtins(world.faults) | changes
        world.faults = msgspec.convert(merged, type(world.faults))
    except msgspec.MsgspecError as refused:
        return _answer(400, {"error": str(refused)})
    return _answer(200, world.faults)


def _answer(status: int, payload: Any) -> WorldAnswer:
    return WorldAnswer(status=status, headers=_JSON, body=msgspec.json.encode(payload))
