"""The contract of searching, in the lead book and at the desk alike."""

import pytest

from leadwire.ports.desk import DeskQuery
from leadwire.ports.lead_book import LeadQuery
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import absorb_lead, at

PEOPLE = {
    "a": "Asha Rao asha.rao@example.com +919876543210 9876543210 Chennai",
    "b": "José Núñez jose_n@correo.example +34600111222 Zürich",
    "c": "प्रिया शर्मा priya@example.in +911140001000",
    "d": "O'Brien-Smith and sons NEAR the OR gate NOT",
    "e": "Jose\u0301 Straße ﬁne Ａｃｍｅ Ελλάδα Łódź İzmir",
    "f": "李小龙 ශ්‍රී Борис",
}


async def _people(ledger: Ledger) -> None:
    for number, (lead_id, words) in enumerate(PEOPLE.items()):
        await absorb_lead(ledger, lead_id, search=words, when=at(number))


async def _found(ledger: Ledger, text: str) -> str:
    """The ids of the leads that both the book and the desk find."""
    by_book = sorted(lead.id for lead in await ledger.leads.page(LeadQuery(text=text)))
    by_desk = sorted(entry.lead.id for entry in await ledger.desk.page(DeskQuery(text=text)))
    assert by_book == by_desk
    return "".join(by_book)


class SearchContract:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("asha", "a"),
            ("ASHA", "a"),
            ("as", "a"),
            ("sha", ""),
            ("rao as", "a"),
            ("asha nobody", ""),
            ("ashas", ""),
            ("987654", "a"),
            ("+91987", "a"),
            ("+91", "ac"),
            ("asha.rao@example.com", "a"),
            ("@example", "abc"),
            ("example in", "c"),
            ("jose_n", "b"),
            ("José", "be"),
            ("JOSÉ", "be"),
            ("Jose\u0301", "be"),
            ("jose", "be"),
            ("nunez zur", "b"),
            ("प्रिया", "c"),
            ("प्रि", "c"),
            ("शर्मा प्र", "c"),
            ("प्र", "c"),
            ("पर", ""),
            ("य", ""),
            ("रि", ""),
            ("STRASSE", "e"),
            ("straße", "e"),
            ("fine", "e"),
            ("acme", "e"),
            ("ελλ", "e"),
            ("ΕΛΛ", "e"),
            ("izmir", "e"),
            ("李小", "f"),
            ("ශ්රී", "f"),
            ("борис", "f"),
        ],
    )
    async def test_every_word_must_begin_a_word_of_the_lead(self, ledger: Ledger, text: str, found: str) -> None:
        await _people(ledger)
        assert await _found(ledger, text) == found

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("O'Brien", "d"),
            ("o brien-sm", "d"),
            ("AND", "d"),
            ("OR", "d"),
            ("NOT gate", "d"),
            ("NEAR(gate, 2)", ""),
            ("NEAR", "d"),
            ("asha OR near", ""),
            ("asha*", "a"),
            ('"asha"', "a"),
            ('"asha', "a"),
            ("search:asha", ""),
            ("^asha", "a"),
            ("-asha", "a"),
            ("asha;--", "a"),
            ("asha\x00", "a"),
            ("as%", "a"),
            ("a_h", ""),
            ("' OR 1=1 --", ""),
        ],
    )
    async def test_no_word_or_sign_has_a_hidden_meaning(self, ledger: Ledger, text: str, found: str) -> None:
        await _people(ledger)
        assert await _found(ledger, text) == found

    @pytest.mark.parametrize("text", ["", "   ", '"*(){}:^-', "***", "'\"\\", "\x00", "\u200d\ufe0f", "😀"])
    async def test_a_text_without_words_finds_everything(self, ledger: Ledger, text: str) -> None:
        await _people(ledger)
        assert await _found(ledger, text) == "abcdef"

    @pytest.mark.parametrize(
        "text",
        [
            "x" * 10_000,
            "asha " * 2_000 + "x",
            " ".join(f"w{number}" for number in range(2_000)),
            "(" * 10_000 + "x",
            '"' * 9_999 + "x",
        ],
        ids=["one long word", "one word often", "many words", "brackets", "quotes"],
    )
    async def test_ten_thousand_characters_find_nothing_and_break_nothing(self, ledger: Ledger, text: str) -> None:
        await _people(ledger)
        assert await _found(ledger, text) == ""

    async def test_a_repeated_word_asks_once(self, ledger: Ledger) -> None:
        await _people(ledger)
        assert await _found(ledger, "asha " * 2_000) == "a"

    async def test_a_new_version_is_found_by_its_own_words_only(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", search="Asha Rao")
        await absorb_lead(ledger, "a", 2, search="Asha Iyer")
        assert await _found(ledger, "iyer") == "a"
        assert await _found(ledger, "rao") == ""

    async def test_words_are_not_looked_for_across_leads(self, ledger: Ledger) -> None:
        await _people(ledger)
        assert await _found(ledger, "asha zürich") == ""
