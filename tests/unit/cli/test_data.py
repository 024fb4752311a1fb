"""Commands that print data: what they ask the API, what they print, and how they end."""

import csv
import io
from typing import Any

import msgspec
import pytest

from unit.cli.line import Line

LEAD = {
    "id": "01a",
    "version": 2,
    "updated_at": "2026-01-01T00:00:00Z",
    "full_name": "=cmd()",
    "phone": "+918121000001",
    "email": None,
    "is_test": False,
    "answers": {"when?": ["now", "later"]},
    "call": {"duration_s": -3},
    "records": [
        {"source": "meta", "native_id": "1", "kind": "form", "via": "webhook"},
        {"source": "meta", "native_id": "2", "kind": "form", "via": "poll"},
    ],
}


def _lists(*items: Any, after: str | None = None) -> dict[str, Any]:
    return {"items": list(items), "next": after}


def test_leads_list_follows_every_page_up_to_the_limit(line: Line) -> None:
    line.api.says("GET", "/api/v1/leads?q=asha&source=meta&limit=3", _lists(LEAD, LEAD, after="c1"))
    line.api.says("GET", "/api/v1/leads?q=asha&source=meta&limit=1&after=c1", _lists(LEAD, after="c2"))
    told = line.json("leads", "list", "asha", "--source", "meta", "--limit", "3")
    assert told == {"items": [LEAD] * 3, "next": None}
    assert len(line.api.asked) == 2


def test_leads_list_prints_columns_for_people(line: Line) -> None:
    line.api.says("GET", "/api/v1/leads?limit=50", _lists(LEAD))
    heading, row = line("leads", "list").stdout.splitlines()
    assert heading.split() == ["ID", "UPDATED", "NAME", "PHONE", "E-MAIL", "SOURCES", "VERSION"]
    assert row.split() == ["01a", "2026-01-01T00:00:00Z", "=cmd()", "+918121000001", "-", "meta", "2"]


def test_no_leads_are_said_in_words(line: Line) -> None:
    line.api.says("GET", "/api/v1/leads?limit=50", _lists())
    assert line("leads", "list").stdout == "There are no such leads.\n"


@pytest.mark.parametrize(
    ("since", "asked"),
    [("2026-01-02T03:04:05+05:30", "2026-01-01T21%3A34%3A05Z"), ("2026-01-02", "2026-01-02T00%3A00%3A00Z")],
)
def test_since_takes_a_time(since: str, asked: str, line: Line) -> None:
    line.api.says("GET", f"/api/v1/leads?since={asked}&limit=50", _lists(LEAD))
    assert len(line.json("leads", "list", "--since", since)["items"]) == 1


def test_since_takes_a_duration_and_refuses_words(line: Line) -> None:
    assert line("leads", "list", "--since", "2h").exit_code == 1  # nobody answers this very time in the fake
    assert line.api.asked[0][1].startswith("/api/v1/leads?since=20")
    result = line("leads", "list", "--since", "yesterday")
    assert result.exit_code == 2
    assert "is no time" in result.stderr


def test_leads_show_prints_the_document(line: Line) -> None:
    line.api.says("GET", "/api/v1/leads/01a", LEAD)
    assert line.json("leads", "show", "01a") == LEAD
    timeline = {"deliveries": [{"destination": "crm", "state": "dead", "reason": "422 no"}]}
    line.api.says("GET", "/api/v1/leads/01a?include=timeline", {**LEAD, "timeline": timeline})
    shown = line("leads", "show", "01a").stdout
    for words in ("+918121000001", "webhook", "crm", "422 no"):
        assert words in shown


def test_an_id_is_one_part_of_the_path(line: Line) -> None:
    line.api.says("GET", "/api/v1/leads/..%2Ftokens%3Fx", LEAD)
    assert line.json("leads", "show", "../tokens?x") == LEAD


def test_a_lead_that_is_not_there_fails_in_the_words_of_the_api(line: Line) -> None:
    result = line("leads", "show", "nope", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Not Found: no /api/v1/leads/nope here (404)\n"


def test_export_writes_a_json_array_of_all_leads(line: Line) -> None:
    line.api.says("GET", "/api/v1/leads?limit=200", _lists(LEAD, after="x"))
    line.api.says("GET", "/api/v1/leads?limit=200&after=x", _lists(LEAD))
    assert msgspec.json.decode(line("leads", "export").stdout) == [LEAD, LEAD]


def test_export_writes_csv_that_runs_no_formula(line: Line) -> None:
    evil = {**LEAD, "id": "01b", "full_name": "@SUM(1)", "company": "\ttab", "city": "-2+3", "answers": {"=q": ["\rx"]}}
    line.api.says("GET", "/api/v1/leads?limit=200", _lists(LEAD, evil))
    target = line.folder / "out.csv"
    assert line("leads", "export", "--format", "csv", "--output", str(target)).exit_code == 0
    with target.open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["full_name"], first["phone"], first["sources"]) == ("'=cmd()", "'+918121000001", "meta")
    assert (first["answers.when?"], first["answers.=q"]) == ("now; later", "")
    assert (second["full_name"], second["company"], second["city"]) == ("'@SUM(1)", "'\ttab", "'-2+3")
    assert second["answers.=q"] == "'\rx"
    assert first["call.duration_s"] == "-3"
    cells = [cell for row in csv.reader(io.StringIO(target.read_text(encoding="utf-8"))) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))] == []


def test_an_export_that_breaks_off_leaves_no_file(line: Line) -> None:
    line.api.says("GET", "/api/v1/leads?limit=200", _lists(LEAD, after="x"))
    target = line.folder / "out.json"
    assert line("leads", "export", "-o", str(target)).exit_code == 1
    assert sorted(path.name for path in line.folder.iterdir()) == ["leadwire.toml"]


def test_erase_asks_first(line: Line) -> None:
    line.api.says("DELETE", "/api/v1/leads/01a", None, 204)
    assert line("leads", "erase", "01a").exit_code == 2
    line.with_means(is_terminal=lambda: True)
    assert line("leads", "erase", "01a", typed="n\n").exit_code == 1
    assert line.api.asked == []
    assert line("leads", "erase", "01a", typed="y\n").exit_code == 0
    assert line.json("leads", "erase", "01a", "--yes") == {"erased": "01a"}
    assert [asked[:2] for asked in line.api.asked] == [("DELETE", "/api/v1/leads/01a")] * 2


def test_split_names_the_records(line: Line) -> None:
    line.api.says("POST", "/api/v1/leads/01a/split", {"id": "01z"})
    assert line.json("leads", "split", "01a", "--record", "meta/1", "--record", "sql/a/b") == {"id": "01z"}
    records = [{"source": "meta", "native_id": "1"}, {"source": "sql", "native_id": "a/b"}]
    assert line.api.asked[0][2] == {"records": records}
    assert line("leads", "split", "01a", "--record", "meta").exit_code == 2


DELIVERY = {"id": "01a_1_crm", "destination": "crm", "state": "dead", "attempts": 1, "reason": "422 no"}
TRY = {
    "number": 1,
    "started_at": "2026-01-01T00:00:00Z",
    "outcome": "rejected",
    "status": 422,
    "detail": "no such field",
}
FETCH = {"source": "meta", "id": "77", "state": "parked", "attempts": 9, "reason": "100/33"}
EVENT = {"id": 5, "source": "site", "state": "quarantined", "reason": "no JSON"}


def _all_dead(line: Line) -> None:
    line.api.says("GET", "/api/v1/deliveries?state=dead&limit=100", _lists(DELIVERY))
    line.api.says("GET", "/api/v1/fetches?state=parked&limit=100", _lists(FETCH))
    line.api.says("GET", "/api/v1/events?state=quarantined&limit=100", _lists(EVENT))


def test_dead_list_shows_all_that_waits_for_a_human(line: Line) -> None:
    _all_dead(line)
    told = line.json("dead", "list")
    assert [(item["kind"], item["id"]) for item in told["items"]] == [
        ("delivery", "01a_1_crm"),
        ("fetch", "meta/77"),
        ("event", "event:5"),
    ]
    assert told["items"][0]["reason"] == "422 no"
    assert "100/33" in line("dead", "list").stdout


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--destination", "crm"], ["/api/v1/deliveries?state=dead&destination=crm&limit=100"]),
        (
            ["--source", "meta"],
            [
                "/api/v1/fetches?state=parked&source=meta&limit=100",
                "/api/v1/events?state=quarantined&source=meta&limit=100",
            ],
        ),
        (["--kind", "event"], ["/api/v1/events?state=quarantined&limit=100"]),
    ],
)
def test_dead_list_asks_only_for_what_is_wanted(options: list[str], asked: list[str], line: Line) -> None:
    for path in asked:
        line.api.says("GET", path, _lists())
    assert line("dead", "list", *options).stdout == "Nothing waits for you.\n"
    assert [path for _, path, _ in line.api.asked] == asked


def test_dead_show_finds_one_by_its_id(line: Line) -> None:
    line.api.says("GET", "/api/v1/fetches?state=parked&limit=200", _lists(FETCH))
    assert line.json("dead", "show", "meta/77") == {**FETCH, "kind": "fetch", "id": "meta/77"}
    assert line("dead", "show", "meta/78").exit_code == 1


def test_dead_show_lists_every_try_of_a_dead_letter(line: Line) -> None:
    line.api.says("GET", "/api/v1/deliveries/01a_1_crm", {"delivery": DELIVERY, "attempts": [TRY]})
    assert line.json("dead", "show", "01a_1_crm")["attempts"] == [TRY]
    assert "no such field" in line("dead", "show", "01a_1_crm").stdout


def test_dead_replay_sorts_ids_by_their_kind(line: Line) -> None:
    line.api.says("POST", "/api/v1/deliveries/replay", {"replayed": 2})
    line.api.says("POST", "/api/v1/fetches/replay", {"replayed": 1})
    line.api.says("POST", "/api/v1/events/replay", {"replayed": 1})
    assert line.json("dead", "replay", "d1", "meta/77", "d2", "event:5", "ads/7/8") == {"replayed": 5}
    assert line.api.asked == [
        ("POST", "/api/v1/deliveries/replay", {"ids": ["d1", "d2"], "dry_run": False}),
        ("POST", "/api/v1/fetches/replay", {"source": "meta", "ids": ["77"]}),
        ("POST", "/api/v1/fetches/replay", {"source": "ads", "ids": ["7/8"]}),
        ("POST", "/api/v1/events/replay", {"ids": [5]}),
    ]


def test_a_dry_run_only_counts(line: Line) -> None:
    line.api.says("POST", "/api/v1/deliveries/replay", {"replayed": 3})
    assert line("dead", "replay", "all", "--destination", "crm", "--dry-run").stdout == "3 would run again.\n"
    assert line.json("dead", "replay", "d1", "meta/77", "event:5", "--dry-run") == {"replayed": 5}
    assert line.api.asked == [
        (
            "POST",
            "/api/v1/deliveries/replay",
            {"filter": {"state": "dead", "destination": "crm"}, "dry_run": True},
        ),
        ("POST", "/api/v1/deliveries/replay", {"ids": ["d1"], "dry_run": True}),
    ]


def test_dead_replay_all_runs_every_kind(line: Line) -> None:
    _all_dead(line)
    line.api.says("GET", "/api/v1/fetches?state=parked&limit=200", _lists(FETCH))
    line.api.says("GET", "/api/v1/events?state=quarantined&limit=200", _lists(EVENT, {**EVENT, "id": 6}))
    for kind in ("deliveries", "fetches", "events"):
        line.api.says("POST", f"/api/v1/{kind}/replay", {"replayed": 1})
    assert line.json("dead", "replay", "all") == {"replayed": 3}
    assert [asked for asked in line.api.asked if asked[0] == "POST"] == [
        ("POST", "/api/v1/deliveries/replay", {"filter": {"state": "dead"}, "dry_run": False}),
        ("POST", "/api/v1/fetches/replay", {"source": "meta", "ids": ["77"]}),
        ("POST", "/api/v1/events/replay", {"ids": [5, 6]}),
    ]


def test_dead_replay_of_a_source_leaves_the_others_alone(line: Line) -> None:
    line.api.says("GET", "/api/v1/fetches?state=parked&source=site&limit=200", _lists())
    line.api.says(
        "GET", "/api/v1/events?state=quarantined&source=site&limit=200", _lists(EVENT, {**EVENT, "source": "b"})
    )
    line.api.says("POST", "/api/v1/events/replay", {"replayed": 1})
    assert line.json("dead", "replay", "all", "--source", "site") == {"replayed": 1}
    assert line.api.asked[-1] == ("POST", "/api/v1/events/replay", {"ids": [5]})


def test_dead_drop_all_keeps_to_its_destination(line: Line) -> None:
    line.api.says("POST", "/api/v1/deliveries/drop", {"dropped": 4})
    assert line("dead", "drop", "all", "--destination", "crm").stdout == "4 dropped.\n"
    assert line.api.asked[0][2] == {"filter": {"state": "dead", "destination": "crm"}, "reason": "dropped by hand"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay"],
        ["replay", "d1", "--destination", "crm"],
        ["replay", "event:x"],
        ["drop", "meta/1"],
        ["drop", "all", "d1"],
    ],
)
def test_an_unclear_replay_or_drop_changes_nothing(arguments: list[str], line: Line) -> None:
    assert line("dead", *arguments).exit_code == 2
    assert line.api.asked == []


def test_dead_drop_keeps_the_reason(line: Line) -> None:
    line.api.says("POST", "/api/v1/deliveries/drop", {"dropped": 1})
    assert line.json("dead", "drop", "d1", "--reason", "spam") == {"dropped": 1}
    assert line.api.asked == [("POST", "/api/v1/deliveries/drop", {"ids": ["d1"], "reason": "spam"})]


def test_status_prints_the_shape_of_the_api(line: Line) -> None:
    status = {
        "sources": [
            {"name": "meta", "last_event_at": None, "last_poll_at": None, "state": "quiet", "hint": "no lead for 3 h"}
        ],
        "destinations": [{"name": "crm", "state": "open", "due": 4, "oldest_due_s": 12.5, "dead": 1}],
        "lag": {"events_s": 0.1},
        "ready": True,
    }
    line.api.says("GET", "/api/v1/status", status)
    assert line.json("status") == status
    shown = line("status").stdout
    for word in ("meta", "no lead for 3 h", "crm", "12.5", "lag events_s", "ready"):
        assert word in shown


def test_token_create_prints_exactly_three_things(line: Line) -> None:
    made = {"token": "lw_secret", "id": "t1", "scopes": ["read", "write", "trigger"], "created_at": "x"}
    line.api.says("POST", "/api/v1/tokens", made, 201)
    assert line.json("token", "create") == {"token": "lw_secret", "id": "t1", "scopes": ["read", "write", "trigger"]}
    assert line.api.asked[0][2] == {"scopes": ["read", "write", "trigger"], "name": ""}
    assert line("token", "create").stdout == "lw_secret\n"


def test_token_create_takes_scopes_a_name_and_an_end(line: Line) -> None:
    line.api.says("POST", "/api/v1/tokens", {"token": "x", "id": "t1", "scopes": ["admin"]})
    options = ("--scope", "admin", "--scope", "read", "--scope", "admin", "--name", "ci", "--expires", "90d")
    assert line("token", "create", *options).exit_code == 0
    assert line.api.asked[0][2] == {"scopes": ["admin", "read"], "name": "ci", "expires_in_s": 90 * 86_400}
    assert line("token", "create", "--scope", "all").exit_code == 2
    assert line("token", "create", "--expires", "soon").exit_code == 2


def test_tokens_are_listed_and_revoked(line: Line) -> None:
    line.api.says("GET", "/api/v1/tokens?limit=200", _lists({"id": "t1", "scopes": ["read"]}))
    line.api.says("DELETE", "/api/v1/tokens/t1", None, 204)
    assert line.json("token", "list")["items"] == [{"id": "t1", "scopes": ["read"]}]
    assert line.json("token", "revoke", "t1") == {"revoked": "t1"}


def test_a_user_without_a_password_gets_a_link(line: Line) -> None:
    line.api.says("POST", "/api/v1/users", {"name": "asha", "role": "rep"}, 201)
    line.api.says("POST", "/api/v1/users/asha/link", {"name": "asha", "link": "/login/once#x", "expires_in_s": 900})
    line.write("[server]\nport = 81\n")
    assert line("user", "add", "asha").stdout == "http://127.0.0.1:81/login/once#x\n"
    assert line.json("user", "add", "asha") == {
        "name": "asha",
        "role": "rep",
        "link": "http://127.0.0.1:81/login/once#x",
    }
    line.api.says("POST", "/api/v1/users/asha/link", {"link": "https://leads.example.com/login/once#y"})
    assert line("user", "add", "asha").stdout == "https://leads.example.com/login/once#y\n"


def test_a_users_password_comes_from_a_pipe_or_a_prompt(line: Line) -> None:
    line.api.says("POST", "/api/v1/users", {"name": "asha", "role": "admin"}, 201)
    piped = line("user", "add", "asha", "--role", "admin", "--password-stdin", typed="one two three\n")
    assert (piped.exit_code, piped.stdout) == (0, "")
    line.with_means(is_terminal=lambda: True)
    assert line("user", "add", "asha", typed="typed in\ntyped in\n").exit_code == 0
    assert [body for _, _, body in line.api.asked] == [
        {"name": "asha", "role": "admin", "password": "one two three"},
        {"name": "asha", "role": "rep", "password": "typed in"},
    ]
    assert line("user", "add", "asha", "--password-stdin").exit_code == 2


def test_users_are_listed_and_disabled(line: Line) -> None:
    line.api.says("GET", "/api/v1/users?limit=200", _lists())
    line.api.says("POST", "/api/v1/users/asha/disable", None, 204)
    assert line("user", "list").stdout.startswith("Nobody may sign in yet")
    assert line.json("user", "disable", "asha") == {"disabled": "asha"}


def test_cells_are_one_line_each(line: Line) -> None:
    line.api.says("GET", "/api/v1/leads?limit=50", _lists({**LEAD, "full_name": "a\nb\x1b[31m"}))
    shown = line("leads", "list").stdout
    assert len(shown.splitlines()) == 2
    assert "\x1b" not in shown
