"""A statement is planned once, however often its bounds change: planning costs ten times what a claim does."""

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from leadwire.store.sqlite.connection import open_reader, open_writer


@pytest.mark.parametrize("opened", [open_writer, open_reader])
def test_a_connection_keeps_its_plans(tmp_path: Path, opened: Callable[[Path], apsw.Connection]) -> None:
    path = tmp_path / "ledger.db"
    open_writer(path).close(True)
    connection = opened(path)
    try:
        assert connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, -1) == 1
    finally:
        connection.close(True)
