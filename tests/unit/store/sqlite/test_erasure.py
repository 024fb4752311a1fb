"""What was erased is gone from the bytes of the file and of its log."""

import subprocess
from pathlib import Path
from typing import Any

import msgspec

from leadwire.model.record import Record
from leadwire.ports.lead_book import EventDone
from leadwire.testing.ledger_contract.samples import START, a_lead, a_record, an_event, lead_absorption


def _traces(path: Path, token: bytes) -> list[str]:
    """The files in which the token stands; read by another process, as this one has the ledger open."""
    files = [path, Path(f"{path}-wal"), Path(f"{path}-shm")]
    return [file.name for file in files if file.exists() and token in _content(file)]


def _content(path: Path) -> bytes:
    return subprocess.run(["cat", str(path)], check=True, capture_output=True, timeout=20).stdout


async def _enquiry(ledger: Any, lead_id: str, token: str, versions: int) -> None:
    (sequence,) = await ledger.events.append([an_event(hash(lead_id) % 10**9, body=token.encode() * 3)], START)
    for version in range(1, versions + 1):
        document = msgspec.Raw(msgspec.json.encode({"name": f"{token} {version}", "pad": "x" * version * 40}))
        absorption = lead_absorption(lead_id, version, keys=[f"email:{token}"], search=f"{token} {token}{version}")
        change = msgspec.structs.replace(absorption.leads[0], lead=a_lead(lead_id, version, document=document))
        content = Record(
            native_id=f"{lead_id}-{version}", kind="form", full_name=token, answers={"q": [token] * version}
        )
        record = a_record(f"{lead_id}-{version}", lead_id, content=content, event_sequence=sequence)
        records = [msgspec.structs.replace(absorption.records[0], record=record)]
        done = [EventDone(sequence=sequence)]
        await ledger.leads.absorb(
            msgspec.structs.replace(absorption, leads=[change], records=records, events=done), START
        )


async def test_no_byte_of_an_erased_person_is_left(path: Path, ledger: Any) -> None:
    for number in range(40):
        await _enquiry(ledger, f"other-{number}", f"someone{number}", 2)
        if number == 20:
            await _enquiry(ledger, "a", "zanzibarqx", 3)
    assert _traces(path, b"zanzibarqx")
    assert await ledger.leads.erase("a", START)
    assert _traces(path, b"zanzibarqx") == []
    assert await ledger.leads.lead("other-3") is not None


async def test_many_erased_persons_leave_nothing_and_the_others_stay(path: Path, ledger: Any) -> None:
    for number in range(300):
        await _enquiry(ledger, f"lead-{number}", f"canary{number}x", 2)
    for number in range(0, 300, 7):
        assert await ledger.leads.erase(f"lead-{number}", START)
    content = _content(path) + _content(Path(f"{path}-wal"))
    assert [number for number in range(0, 300, 7) if b"canary%dx" % number in content] == []
    assert b"canary1x" in content


async def test_the_leads_that_were_merged_into_it_go_too(path: Path, ledger: Any) -> None:
    await _enquiry(ledger, "kept", "quokkaone", 1)
    await _enquiry(ledger, "gone", "quokkatwo", 1)
    absorption = lead_absorption("kept", 2)
    farewell = a_lead("gone", 2, merged_into="kept", document=msgspec.Raw(b'{"name":"quokkatwo"}'))
    leads = [*absorption.leads, msgspec.structs.replace(absorption.leads[0], lead=farewell, previous_version=1)]
    await ledger.leads.absorb(msgspec.structs.replace(absorption, leads=leads), START)
    assert await ledger.leads.erase("kept", START)
    assert await ledger.leads.lead("gone") is None
    assert _traces(path, b"quokka") == []
