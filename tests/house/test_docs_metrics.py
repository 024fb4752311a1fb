"""docs/metrics.md and the registry name the same metrics."""

import re
from pathlib import Path

from leadwire.engine.metrics import Metrics, Sample
from leadwire.ports.ledger import StoreHealth

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    metrics = Metrics()
    metrics.exposition(Sample(health=StoreHealth(writable=True, disk_free_bytes=1, wal_bytes=1)))
    documented = re.findall(r"^\| `(leadwire_\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(metrics.names())


def test_names_follow_the_conventions_of_prometheus() -> None:
    for name in Metrics().names():
        assert re.fullmatch(r"leadwire_[a-z_]+", name)
        assert not name.endswith(("_ms", "_milliseconds", "_kb", "_minutes"))
