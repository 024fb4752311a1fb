"""A log that can't be written stops nothing."""

import os
from pathlib import Path

import pytest

from leadwire.logs import LineLogger


def test_a_record_is_one_line_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        LineLogger(file.fileno()).info('{"action": "नमस्ते \udcff"}')
        assert (tmp_path / "log").read_text() == '{"action": "नमस्ते \\udcff"}\n'


def test_a_line_that_finds_no_room_is_left_out() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this machine has no /dev/full")
    with full.open("wb", buffering=0) as file:
        with pytest.raises(OSError, match="No space left"):
            file.write(b"x")
        LineLogger(file.fileno()).error("lost")


def test_a_reader_that_went_away_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        LineLogger(writing).warning("lost")
    finally:
        os.close(writing)
