"""The event log's contract."""

import asyncio

import msgspec

from leadwire.model.event import RawRequest
from leadwire.ports.event_log import SourceTally
from leadwire.ports.lead_book import Absorption, EventDone
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import START, Reopen, an_event, at


async def _resolve(ledger: Ledger, *sequences: int | None) -> None:
    done = [EventDone(sequence=sequence) for sequence in sequences if sequence is not None]
    await ledger.leads.absorb(Absorption(events=done), START)


async def _quarantine(ledger: Ledger, sequence: int | None, reason: str = "no JSON") -> None:
    assert sequence is not None
    done = EventDone(sequence=sequence, state="quarantined", reason=reason)
    await ledger.leads.absorb(Absorption(events=[done]), START)


async def _append(ledger: Ledger, *keys: int) -> list[int]:
    answer = await ledger.events.append([an_event(key) for key in keys], START)
    return [sequence for sequence in answer if sequence is not None]


class EventLogContract:
    async def test_sequences_grow_in_the_order_of_the_events(self, ledger: Ledger) -> None:
        first = await _append(ledger, 1, 2, 3)
        second = await _append(ledger, 4)
        assert first + second == sorted(set(first + second))
        assert len(first + second) == 4

    async def test_an_append_of_nothing_answers_nothing(self, ledger: Ledger) -> None:
        assert list(await ledger.events.append([], START)) == []

    async def test_of_one_dedup_key_within_a_batch_the_first_is_stored(self, ledger: Ledger) -> None:
        one, again = an_event(1, body=b"first"), an_event(1, body=b"second")
        answer = await ledger.events.append([one, again, an_event(2)], START)
        assert [sequence is None for sequence in answer] == [False, True, False]
        assert [event.request.body for event in await ledger.events.unresolved(10)] == [b"first", b"{}"]

    async def test_a_known_dedup_key_is_stored_once_and_its_neighbours_are_stored(self, ledger: Ledger) -> None:
        await _append(ledger, 1)
        answer = await ledger.events.append([an_event(0), an_event(1), an_event(2)], START)
        assert [sequence is None for sequence in answer] == [False, True, False]
        assert len(await ledger.events.unresolved(10)) == 3

    async def test_a_resolved_event_still_keeps_its_dedup_key(self, ledger: Ledger) -> None:
        await _resolve(ledger, *await _append(ledger, 1))
        assert await ledger.events.append([an_event(1)], START) == [None]

    async def test_a_dedup_key_belongs_to_its_source(self, ledger: Ledger) -> None:
        answer = await ledger.events.append([an_event(1), an_event(1, source="meta")], START)
        assert None not in answer

    async def test_of_twenty_appends_at_once_one_stores_the_event(self, ledger: Ledger) -> None:
        answers = await asyncio.gather(*[ledger.events.append([an_event(7)], START) for _ in range(20)])
        assert sum(answer != [None] for answer in answers) == 1
        assert len(await ledger.events.unresolved(50)) == 1

    async def test_a_request_comes_back_byte_for_byte(self, ledger: Ledger) -> None:
        request = RawRequest(
            method="PUT",
            path="/webhooks/site/é",
            query=b"a=%20&a=\xff",
            headers=(("x-twice", "1"), ("x-twice", "2"), ("x-latin", "\xe9\xff")),
            body=bytes(range(256)) * 3,
            received_at=at(5),
        )
        event = msgspec.structs.replace(an_event(1), request=request)
        [sequence] = await ledger.events.append([event], at(6))
        assert sequence is not None
        stored = await ledger.events.find(sequence)
        assert stored is not None
        assert stored.request == request
        assert (stored.sequence, stored.source, stored.stored_at) == (sequence, "site", at(6))
        assert (stored.state, stored.attempts, stored.reason) == ("stored", 0, None)

    async def test_an_unknown_sequence_finds_nothing(self, ledger: Ledger) -> None:
        assert await ledger.events.find(99) is None

    async def test_unresolved_are_the_oldest_stored_ones_up_to_the_limit(self, ledger: Ledger) -> None:
        sequences = await _append(ledger, 1, 2, 3, 4, 5)
        await _resolve(ledger, sequences[0])
        await _quarantine(ledger, sequences[2])
        assert [event.sequence for event in await ledger.events.unresolved(10)] == [
            sequences[1],
            sequences[3],
            sequences[4],
        ]
        assert [event.sequence for event in await ledger.events.unresolved(2)] == [sequences[1], sequences[3]]

    async def test_a_quarantined_event_tells_why_and_how_often(self, ledger: Ledger) -> None:
        [sequence] = await _append(ledger, 1)
        await _quarantine(ledger, sequence, "no JSON")
        event = await ledger.events.find(sequence)
        assert event is not None
        assert (event.state, event.reason, event.attempts) == ("quarantined", "no JSON", 1)

    async def test_an_event_that_left_stored_is_not_moved_again(self, ledger: Ledger) -> None:
        [sequence] = await _append(ledger, 1)
        await _resolve(ledger, sequence)
        await _quarantine(ledger, sequence)
        event = await ledger.events.find(sequence)
        assert event is not None
        assert event.state == "resolved"

    async def test_a_page_goes_from_new_to_old_by_state(self, ledger: Ledger) -> None:
        sequences = await _append(ledger, 1, 2, 3, 4)
        await _quarantine(ledger, sequences[1])
        await _quarantine(ledger, sequences[3])
        everything = [event.sequence for event in await ledger.events.page(None, None, 10)]
        assert everything == sequences[::-1]
        quarantined = [event.sequence for event in await ledger.events.page("quarantined", None, 10)]
        assert quarantined == [sequences[3], sequences[1]]
        assert [event.sequence for event in await ledger.events.page("quarantined", sequences[3], 10)] == [sequences[1]]
        assert [event.sequence for event in await ledger.events.page("stored", None, 1)] == [sequences[2]]

    async def test_pages_stay_in_step_while_events_come_in(self, ledger: Ledger) -> None:
        sequences = await _append(ledger, 1, 2, 3, 4)
        first = await ledger.events.page(None, None, 2)
        await _append(ledger, 5, 6)
        second = await ledger.events.page(None, first[-1].sequence, 2)
        assert [event.sequence for event in [*first, *second]] == sequences[::-1]

    async def test_requeued_events_are_unresolved_again_in_their_old_order(self, ledger: Ledger) -> None:
        sequences = await _append(ledger, 1, 2, 3)
        await _quarantine(ledger, sequences[0])
        await _resolve(ledger, sequences[1])
        assert await ledger.events.requeue([*sequences, 99], at(1)) == 1
        assert [event.sequence for event in await ledger.events.unresolved(10)] == [sequences[0], sequences[2]]
        assert await ledger.events.requeue(sequences, at(2)) == 0

    async def test_attempts_count_every_parse_that_failed(self, ledger: Ledger) -> None:
        [sequence] = await _append(ledger, 1)
        await _quarantine(ledger, sequence)
        await ledger.events.requeue([sequence], at(1))
        await _quarantine(ledger, sequence, "still no JSON")
        event = await ledger.events.find(sequence)
        assert event is not None
        assert (event.attempts, event.reason) == (2, "still no JSON")

    async def test_a_tally_tells_how_each_source_stands(self, ledger: Ledger) -> None:
        events = [an_event(key, received_at=at(key)) for key in range(4)]
        sequences = [(await ledger.events.append([event], at(key)))[0] for key, event in enumerate(events)]
        await ledger.events.append([an_event(9, source="meta", received_at=at(9))], at(9))
        await _resolve(ledger, sequences[0])
        await _quarantine(ledger, sequences[1])
        tallies = {tally.source: tally for tally in await ledger.events.tally()}
        assert tallies == {
            "site": SourceTally(
                source="site", last_event_at=at(3), unresolved=2, oldest_unresolved_at=at(2), quarantined=1
            ),
            "meta": SourceTally(source="meta", last_event_at=at(9), unresolved=1, oldest_unresolved_at=at(9)),
        }

    async def test_pruning_deletes_old_resolved_events_only(self, ledger: Ledger) -> None:
        events = [an_event(key, received_at=at(key)) for key in range(5)]
        sequences = [(await ledger.events.append([event], at(key)))[0] for key, event in enumerate(events)]
        await _resolve(ledger, sequences[0], sequences[1], sequences[4])
        await _quarantine(ledger, sequences[2])
        assert await ledger.events.prune(at(4), 1) == 1
        assert await ledger.events.prune(at(4), 10) == 1
        assert await ledger.events.prune(at(4), 10) == 0
        left = [event.sequence for event in await ledger.events.page(None, None, 10)]
        assert left == [sequences[4], sequences[3], sequences[2]]

    async def test_a_pruned_event_frees_its_dedup_key_but_never_its_sequence(self, ledger: Ledger) -> None:
        [sequence] = await _append(ledger, 1)
        await _resolve(ledger, sequence)
        await ledger.events.prune(at(1), 10)
        [again] = await _append(ledger, 1)
        assert again > sequence

    async def test_a_sources_newest_event_is_remembered_after_it_was_pruned(self, ledger: Ledger) -> None:
        await _resolve(ledger, *await _append(ledger, 1))
        await ledger.events.prune(at(1), 10)
        assert list(await ledger.events.tally()) == [SourceTally(source="site", last_event_at=START)]

    async def test_events_outlive_the_process(self, ledger: Ledger, reopen: Reopen) -> None:
        sequences = await _append(ledger, 1, 2)
        other = await reopen()
        assert [event.sequence for event in await other.events.unresolved(10)] == sequences
        assert await other.events.append([an_event(1)], START) == [None]
