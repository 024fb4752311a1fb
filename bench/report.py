"""The figures beside their targets, as a Markdown page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

TOP = 12


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One promise and what became of it. `better` says in which direction the target lies."""

    measure: str
    target: float
    better: Literal["more", "less"]
    measured: float
    unit: str = ""

    @property
    def ratio(self) -> float:
        """Above 1 the target is met, in both directions."""
        if self.better == "more":
            return self.measured / self.target
        return self.target / max(self.measured, 1e-9)

    @property
    def row(self) -> str:
        sign = "≥" if self.better == "more" else "≤"
        verdict = "yes" if self.ratio >= 1 else "**no**"
        return f"| {self.measure} | {sign} {self.target:,g}{self.unit} | {self.measured:,g}{self.unit} | {self.ratio:.2f} | {verdict} |"


def lines(figures: Mapping[str, Any]) -> list[Line]:
    """Every promise of which the figures tell something."""
    found: list[Line] = []
    if capture := figures.get("capture"):
        found += [
            Line(
                measure="durable acks, one core",
                target=10_000,
                better="more",
                measured=capture["acks_per_s"],
                unit="/s",
            ),
            Line(
                measure="… beside a handler that only checks the HMAC",
                target=0.35,
                better="more",
                measured=capture["ratio"],
                unit=" ×",
            ),
            Line(
                measure="ack p99 at 2,000/s, open loop",
                target=10,
                better="less",
                measured=capture["steady_p99_ms"],
                unit=" ms",
            ),
        ]
    if hop := figures.get("hop"):
        steady, flood = hop["steady"], hop["flood"]
        found += [
            Line(measure="webhook → CRM p50 at 200/s", target=10, better="less", measured=steady["p50_ms"], unit=" ms"),
            Line(measure="webhook → CRM p99 at 200/s", target=50, better="less", measured=steady["p99_ms"], unit=" ms"),
            Line(
                measure="sustained end to end",
                target=1_500,
                better="more",
                measured=flood["leads_per_s"],
                unit=" leads/s",
            ),
        ]
    if idle := figures.get("idle"):
        found += [
            Line(measure="memory, idle", target=120, better="less", measured=idle["memory_mb"], unit=" MB"),
            Line(measure="processor, idle", target=1, better="less", measured=idle["cpu_percent"], unit=" % of a core"),
        ]
    if start := figures.get("start"):
        found += [
            Line(
                measure="ready after start, fresh ledger", target=1, better="less", measured=start["fresh_s"], unit=" s"
            ),
            Line(
                measure=f"ready after start, {start['filled_leads']:,} leads",
                target=1,
                better="less",
                measured=start["filled_s"],
                unit=" s",
            ),
        ]
    if growth := figures.get("growth"):
        found.append(
            Line(
                measure=f"cost per lead at {growth['stored']:,} stored beside 10,000",
                target=1.3,
                better="less",
                measured=growth["ratio"],
                unit=" ×",
            )
        )
    return found


def page(figures: Mapping[str, Any]) -> str:
    """The whole page."""
    parts = ["# What leadwire does on this machine", "", _machine(figures["machine"]), ""]
    parts += ["| measure | target | measured | ratio | met |", "| --- | --- | --- | --- | --- |"]
    parts += [line.row for line in lines(figures)]
    parts += [
        "",
        "A ratio above 1 meets its target. `python -m bench` makes this page; the whole figures are in results.json.",
        "",
    ]
    parts += _details(figures)
    parts += _limits(figures)
    return "\n".join(parts).rstrip() + "\n"


def _machine(machine: Mapping[str, Any]) -> str:
    return (
        f"{machine['cores']} cores ({machine['processor']}), Python {machine['python']}, SQLite {machine['sqlite']}, "
        f"fsync p50 {machine['fsync_p50_ms']} ms, {machine['pace_thousand_calls_per_s']:,g} thousand small Python calls per second "
        f"on a core, load average {machine['load_average_1m']} before and "
        f"{machine['load_average_after_1m']} after: whatever else ran is in the figures."
    )


def _details(figures: Mapping[str, Any]) -> list[str]:
    said = []
    if capture := figures.get("capture"):
        said.append(
            f"- Capture: the bare handler took {capture['bare_per_s']:,.0f}/s in the same minute; the ratios of all rounds: "
            f"{_listed(capture['ratios'])}; at 2,000/s p50 {capture['steady_p50_ms']:.2f} ms, the bare handler's p99 "
            f"{capture['bare_steady_p99_ms']} ms. Others used {_listed(capture['elsewhere_cores'])} cores in the rounds."
        )
    if hop := figures.get("hop"):
        said += [_hop(f"{name}", found) for name, found in (("200/s", hop["steady"]), ("flood", hop["flood"]))]
        said.append(
            f"- Hop, every run: at 200/s p50 {_listed(hop['steady_p50_ms'])} ms, p99 {_listed(hop['steady_p99_ms'])} ms; flood "
            f"{_listed(hop['flood_leads_per_s'])} leads/s; others used {_listed(hop['elsewhere_cores'])} cores meanwhile, and "
            f"a core of the host made {_listed(hop['pace'])} thousand small calls a second at the begin of each."
        )
    return [*said, ""] if said else []


def _listed(numbers: Iterable[float]) -> str:
    return " · ".join(f"{number:,g}" for number in numbers)


def _hop(name: str, found: Mapping[str, Any]) -> str:
    per_lead_ms = found["leadwire_cores"] / found["leads_per_s"] * 1e3
    return (
        f"- Hop, {name}: {found['leads']:,} leads, {found['missing']} missing, {found['twice']} twice; leadwire used "
        f"{found['leadwire_cores']} cores ({per_lead_ms:.2f} ms of a core per lead), the simulators "
        f"{found['simulators_cores']}; acks {found['ack_per_s']:,.0f}/s, p99 {found['ack_p99_ms']} ms."
    )


def _limits(figures: Mapping[str, Any]) -> list[str]:
    profiles: Mapping[str, Mapping[str, Any]] = figures.get("profiles", {})
    if not profiles:
        return []
    parts = ["## What limits it", ""]
    for name, profile in profiles.items():
        threads = sorted(profile["threads_cpu_s"].items(), key=lambda item: -item[1])[:3]
        shares = ", ".join(f"{label} {cpu_s:.1f} s" for label, cpu_s in _roles(threads))
        parts += [f"**{name}**: processor time {shares}. Samples of the event loop's thread, by what it stood in:", ""]
        parts += ["| share | function (own time) |", "| --- | --- |"]
        parts += [f"| {share:.1%} | `{place}` |" for place, share in profile["own"][:TOP]]
        parts += ["", "| share | function (with what it calls) |", "| --- | --- |"]
        parts += [f"| {share:.1%} | `{place}` |" for place, share in _of_leadwire(profile["with_callees"])[:TOP]]
        parts.append("")
    return parts


def _roles(threads: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """The first thread of a process is the event loop's; the busy other one is the committer's."""
    by_age = sorted(threads, key=lambda item: int(item[0].rpartition(":")[2]))
    return [
        ("event loop" if not number else "committer" if number == 1 else "other", cpu_s)
        for number, (_, cpu_s) in enumerate(by_age)
    ]


def _of_leadwire(places: Sequence[Sequence[Any]]) -> list[tuple[str, float]]:
    rooms = (
        "engine/",
        "web/",
        "sqlite/",
        "egress/",
        "rules/",
        "http/",
        "meta_lead_ads/",
        "aiohttp/",
        "structlog/",
        "prometheus_client/",
    )
    return [(place, share) for place, share in places if place.startswith(rooms)]
