"""/api/v1/status, /lanes, /stream, the probes, and the description of it all."""

import asyncio
import re
from typing import Any

import msgspec
import pytest

from leadwire.engine.figures import EngineView
from leadwire.web.sse import Event, framed
from unit.web.house import House, enquiry


async def test_the_status_has_the_documented_shape(house: House) -> None:
    await house.arrive(enquiry("1"))
    await house.settle("edge", 422)
    house.clock.advance(3)
    status = (await house.ask("GET", "/api/v1/status", await house.token("read"))).json
    assert set(status) == {"sources", "destinations", "lag", "ready"}
    assert [set(one) for one in status["sources"]] == [{"name", "last_event_at", "last_poll_at", "state", "hint"}] * 2
    assert status["destinations"] == [
        {"name": "crm", "state": "ok", "due": 1, "oldest_due_s": 3.0, "dead": 0},
        {"name": "edge", "state": "attention", "due": 0, "oldest_due_s": None, "dead": 1},
    ]
    assert status["ready"] is True


async def test_a_lane_is_paused_and_resumed(house: House) -> None:
    token = await house.token("read", "write")
    paused = await house.ask("POST", "/api/v1/lanes/crm/pause", token, {"reason": "moving house"})
    assert paused.json == {"destination": "crm", "paused": True, "changed": True}
    (pause,) = await house.ledger.pauses.pauses()
    assert (pause.cause, pause.reason) == ("manual", "moving house")
    states = {
        one["name"]: one["state"] for one in (await house.ask("GET", "/api/v1/status", token)).json["destinations"]
    }
    assert states == {"crm": "paused", "edge": "ok"}
    resumed = await house.ask("POST", "/api/v1/lanes/crm/resume", token)
    assert resumed.json == {"destination": "crm", "paused": False, "changed": True}
    assert (await house.ask("POST", "/api/v1/lanes/crm/resume", token)).json["changed"] is False


async def test_a_lane_is_paused_without_a_body(house: House) -> None:
    assert (await house.ask("POST", "/api/v1/lanes/crm/pause", await house.token("write"))).status == 200


async def test_alive_is_said_even_if_the_storage_is_not(house: House) -> None:
    await house.ledger.close()
    assert (await house.ask("GET", "/livez")).json == {"status": "alive"}
    answer = await house.ask("GET", "/readyz")
    assert (answer.status, answer.header("retry-after")) == (503, "1")
    assert "closed" not in answer.text


async def test_ready_means_that_the_engine_runs_and_the_storage_can_be_written(house: House) -> None:
    await house.ledger.pauses.pauses()
    assert (await house.ask("GET", "/readyz")).status == 200
    house.is_ready = False
    assert (await house.ask("GET", "/readyz")).status == 503


async def test_a_dead_destination_does_not_make_us_unready(house: House) -> None:
    house.view = EngineView(breakers={"crm": "open", "edge": "open"})
    assert (await house.ask("GET", "/readyz")).status == 200


async def test_metrics_tell_the_age_of_the_oldest_undelivered_lead(house: House) -> None:
    await house.arrive(enquiry("1"))
    house.clock.advance(30)
    house.view = EngineView(refusals={("meta", "signature"): 2}, breakers={"crm": "open"}, stored_events=5)
    answer = await house.ask("GET", "/metrics", await house.token("read"))
    assert answer.header("content-type").startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'leadwire_oldest_undelivered_age_seconds{destination="crm"} 30.0' in lines
    assert 'leadwire_refusals_total{reason="signature",source="meta"} 2.0' in lines
    assert 'leadwire_breaker_state{destination="crm"} 2.0' in lines
    assert "leadwire_acks_total 5.0" in lines


def test_an_event_of_many_lines_is_framed_line_by_line() -> None:
    assert framed(Event("lead", "one\ntwo"), 7) == b"id: 7\nevent: lead\ndata: one\ndata: two\n\n"
    assert framed(Event("resync"), 8) == b"id: 8\nevent: resync\ndata: \n\n"
    assert framed(Event(), 9) == b":\n\n"


class Stream:
    """A live connection through ASGI."""

    def __init__(self, house: House, path: str, headers: dict[str, str]) -> None:
        self._gone = asyncio.Event()
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.status = 0
        self.task = asyncio.create_task(self._run(house, path, headers))

    async def _run(self, house: House, path: str, headers: dict[str, str]) -> None:
        received: list[bool] = []

        async def receive() -> Any:
            if received:
                await self._gone.wait()
                return {"type": "http.disconnect"}
            received.append(True)
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            else:
                await self._pieces.put(message.get("body", b""))
                if not message.get("more_body", False):
                    self._gone.set()  # after the whole answer, ASGI servers tell that the client is done

        await house.app(house.scope("GET", path, headers), receive, send)

    async def next(self) -> bytes:
        """The next piece that is no keep-alive comment."""
        while True:
            piece = await asyncio.wait_for(self._pieces.get(), 5)
            if piece not in (b":\n\n", b""):
                return piece

    async def quiet(self) -> bytes:
        return await asyncio.wait_for(self._pieces.get(), 5)

    async def leave(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self.task, 5)


async def test_the_stream_tells_a_lead_as_it_is_stored(house: House) -> None:
    stream = Stream(house, "/api/v1/stream", await house.token("read"))
    assert await stream.next() == b"retry: 1000\n\n"
    (lead_id,) = await house.arrive(enquiry("1"))
    await house.broadcast()
    lines = (await stream.next()).decode().splitlines()
    assert lines[1] == "event: lead"
    document = msgspec.json.decode(lines[2].removeprefix("data: "))
    assert (document["id"], document["full_name"]) == (lead_id, "Asha Rao")
    await stream.leave()


async def test_a_connection_with_nothing_to_say_is_kept_open_by_comments(house: House) -> None:
    stream = Stream(house, "/api/v1/stream", await house.token("read"))
    assert await stream.next() == b"retry: 1000\n\n"
    assert await stream.quiet() == b":\n\n"
    await stream.leave()


async def test_who_comes_back_is_told_to_read_the_list_again(house: House) -> None:
    headers = {**await house.token("read"), "last-event-id": "17"}
    stream = Stream(house, "/api/v1/stream", headers)
    assert await stream.next() == b"retry: 1000\n\n"
    assert b"event: resync" in await stream.next()
    await stream.leave()


async def test_a_client_that_goes_leaves_the_broadcast(house: House) -> None:
    stream = Stream(house, "/api/v1/stream", await house.token("read"))
    await stream.next()
    assert len(house.live._readers) == 1
    await stream.leave()
    assert len(house.live._readers) == 0


async def test_connections_end_when_the_server_stops(house: House) -> None:
    stream = Stream(house, "/api/v1/stream", await house.token("read"))
    await stream.next()
    house.live.close()
    await asyncio.wait_for(stream.task, 5)
    refused = await house.ask("GET", "/api/v1/stream", await house.token("read"))
    assert (refused.status, refused.header("retry-after")) == (503, "5")


@pytest.mark.parametrize(
    ("query", "kind"),
    [("", "lead"), ("state=new", "lead"), ("state=claimed", "change"), ("mine=1", "change"), ("source=none", "change")],
)
async def test_the_inbox_hears_whether_a_lead_belongs_into_its_list(house: House, query: str, kind: str) -> None:
    stream = Stream(house, f"/inbox/stream?{query}", await house.browser("anita"))
    await stream.next()
    (lead_id,) = await house.arrive(enquiry("1"))
    await house.broadcast()
    piece = (await stream.next()).decode()
    assert f"event: {kind}\n" in piece
    assert f'id="lead-{lead_id}"' in piece
    assert b"event: counts" in await stream.next()
    await stream.leave()


async def test_a_claim_is_seen_by_everybody_and_only_its_holder_may_give_it_back(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    anita, ravi = await house.browser("anita"), await house.browser("ravi")
    streams = [Stream(house, "/inbox/stream", anita), Stream(house, "/inbox/stream", ravi)]
    for stream in streams:
        await stream.next()
    await house.ask("POST", f"/leads/{lead_id}/claim", anita)
    await house.broadcast()
    rows = [(await stream.next()).decode() for stream in streams]
    assert ["Give back" in row for row in rows] == [True, False]
    assert all("is-claimed" in row for row in rows)
    for stream in streams:
        await stream.leave()


async def test_an_erased_lead_leaves_every_page(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    stream = Stream(house, "/inbox/stream", await house.browser("anita"))
    await stream.next()
    await house.ask("DELETE", f"/api/v1/leads/{lead_id}", await house.token("admin"))
    await house.broadcast()
    assert f"event: gone\ndata: {lead_id}\n" in (await stream.next()).decode()
    await stream.leave()


async def test_the_description_names_every_path_and_its_errors(house: House) -> None:
    answer = await house.ask("GET", "/openapi.json")
    described = answer.json
    assert described["openapi"].startswith("3.1")
    expected = {
        "/api/v1/leads": {"get"},
        "/api/v1/leads/{lead_id}": {"get", "delete"},
        "/api/v1/leads/{lead_id}/split": {"post"},
        "/api/v1/leads/{lead_id}/claim": {"post"},
        "/api/v1/leads/{lead_id}/release": {"post"},
        "/api/v1/leads/{lead_id}/contact": {"post"},
        "/api/v1/deliveries": {"get"},
        "/api/v1/deliveries/{delivery_id}": {"get"},
        "/api/v1/deliveries/replay": {"post"},
        "/api/v1/deliveries/drop": {"post"},
        "/api/v1/fetches": {"get"},
        "/api/v1/fetches/replay": {"post"},
        "/api/v1/events": {"get"},
        "/api/v1/events/replay": {"post"},
        "/api/v1/lanes/{destination}/pause": {"post"},
        "/api/v1/lanes/{destination}/resume": {"post"},
        "/api/v1/status": {"get"},
        "/api/v1/stream": {"get"},
        "/api/v1/tokens": {"get", "post"},
        "/api/v1/tokens/{token_id}": {"delete"},
        "/api/v1/users": {"get", "post"},
        "/api/v1/users/{name}/disable": {"post"},
        "/api/v1/users/{name}/link": {"post"},
        "/livez": {"get"},
        "/readyz": {"get"},
        "/metrics": {"get"},
    }
    assert {path: set(methods) for path, methods in described["paths"].items()} == expected
    for path, methods in described["paths"].items():
        for operation in methods.values():
            if path.startswith("/api/"):
                assert operation["security"] == [{"token": []}]
                assert set(operation["responses"]["401"]["content"]) == {"application/problem+json"}


async def test_the_description_says_that_unknown_keys_are_refused(house: House) -> None:
    schemas = (await house.ask("GET", "/openapi.json")).json["components"]["schemas"]
    assert schemas["ReplayDeliveries"]["additionalProperties"] is False
    assert schemas["Problem"]["required"] == ["type", "title", "status"]
    references = re.findall(r'"#/components/schemas/([^"]+)"', (await house.ask("GET", "/openapi.json")).text)
    assert set(references) <= set(schemas)


async def test_the_docs_load_only_our_own_files(house: House) -> None:
    page = (await house.ask("GET", "/docs")).text
    assert "//" not in page.replace("<!doctype", "")
    assert "swagger-ui" in page
