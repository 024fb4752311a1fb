"""`python -m bench [capture|hop|idle|start|growth|all]`: measures, and writes results.json and results.md beside this file."""

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from bench.capture import Setting, capture, profile_capture
from bench.growth import growth
from bench.hop import RATE, Hop, measure, profile_hop
from bench.idle import idle, start
from bench.machine import machine
from bench.report import page

HERE = Path(__file__).resolve().parent
MEASURES = ("capture", "hop", "idle", "start")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures leadwire on this machine.")
    parser.add_argument("measure", nargs="?", default="all", choices=[*MEASURES, "growth", "all"])
    parser.add_argument("--seconds", type=float, default=0.0, help="How long each part lasts.")
    parser.add_argument("--quick", action="store_true", help="Short parts: shows that it works, proves little.")
    parser.add_argument("--growth", action="store_true", help="The cost per lead on a large ledger too (minutes).")
    parser.add_argument("--stored", type=int, default=300_000, help="How many leads that large ledger holds.")
    parser.add_argument("--no-profile", action="store_true", help="Leave the profiles out.")
    return parser.parse_args()


class Bench:
    """One run of the benchmark in a folder that is gone afterwards."""

    def __init__(self, asked: argparse.Namespace, folder: Path) -> None:
        self._asked = asked
        self._folder = folder
        self._repeats = 1 if asked.quick else 3

    def _seconds(self, usual: float, quick: float) -> float:
        return float(self._asked.seconds) or (quick if self._asked.quick else usual)

    def capture(self) -> dict[str, Any]:
        return capture(Setting(folder=self._folder, seconds=self._seconds(6, 2), repeats=self._repeats))

    def hop(self) -> dict[str, Any]:
        """Of several runs the one in which others used the machine least; what all of them showed stands beside it."""
        steady = [measure(self._hop("steady", number, RATE)) for number in range(self._repeats)]
        flood = [measure(self._hop("flood", number, 0.0)) for number in range(self._repeats)]
        return {
            "steady": min(steady, key=lambda one: float(one["elsewhere_cores"])),
            "flood": min(flood, key=lambda one: float(one["elsewhere_cores"])),
            "steady_p50_ms": [one["p50_ms"] for one in steady],
            "steady_p99_ms": [one["p99_ms"] for one in steady],
            "flood_leads_per_s": [one["leads_per_s"] for one in flood],
            "elsewhere_cores": [one["elsewhere_cores"] for one in steady + flood],
            "pace": [one["pace"] for one in steady + flood],
            "cpu_ms_per_lead": median(one["leadwire_cores"] / one["leads_per_s"] * 1e3 for one in flood),
        }

    def _hop(self, name: str, number: int, rate: float) -> Hop:
        leads = int(self._seconds(20, 4) * RATE) if rate else (3_000 if self._asked.quick else 20_000)
        return Hop(folder=self._folder, name=f"{name}{number}", leads=leads, rate=rate)

    def idle(self) -> dict[str, Any]:
        return idle(self._folder, self._seconds(30, 6))

    def start(self) -> dict[str, Any]:
        return start(self._folder, 5_000 if self._asked.quick else 100_000)

    def growth(self) -> dict[str, Any]:
        return growth(self._folder, int(self._asked.stored))

    def profiles(self, measures: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "capture" in measures:
            setting = Setting(folder=self._folder, seconds=self._seconds(6, 2), repeats=1)
            found["capture, as fast as it goes"] = profile_capture(setting)
        if "hop" in measures:
            found["hop, 200/s"] = profile_hop(self._hop("profiled-steady", 0, RATE))
            found["hop, as fast as it goes"] = profile_hop(self._hop("profiled-flood", 0, 0.0))
        return found


def main() -> None:
    """Runs what was asked for; earlier figures of other measures are kept."""
    asked = _arguments()
    measures = list(MEASURES) if asked.measure == "all" else [asked.measure]
    if asked.growth and "growth" not in measures:
        measures.append("growth")
    results = HERE / "results.json"
    figures: dict[str, Any] = json.loads(results.read_text()) if results.exists() else {}
    with tempfile.TemporaryDirectory(prefix=".run-", dir=HERE) as name:
        folder = Path(name)
        figures["machine"] = machine(folder)
        bench = Bench(asked, folder)
        for measure_name in measures:
            print(f"{measure_name} …", flush=True)
            run: Callable[[], dict[str, Any]] = getattr(bench, measure_name)
            figures[measure_name] = run()
        if not asked.no_profile:
            figures["profiles"] = figures.get("profiles", {}) | bench.profiles(measures)
        figures["machine"]["load_average_after_1m"] = round(os.getloadavg()[0], 2)
    results.write_text(json.dumps(figures, indent=1) + "\n")
    text = page(figures)
    (HERE / "results.md").write_text(text)
    print(text.partition("## What limits")[0])


if __name__ == "__main__":
    main()
