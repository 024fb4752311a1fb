"""Undoing gzip and deflate: exact, and never more than was agreed."""

import contextlib
import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadwire.rules.inflate import DecodedTooLarge, EncodingBroken, EncodingUnknown, inflate


def raw_deflate(body: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(body) + encoder.flush()


@given(st.binary(max_size=200_000))
def test_what_was_encoded_comes_back(body: bytes) -> None:
    for encoding, sent in (
        ("gzip", gzip.compress(body)),
        ("deflate", zlib.compress(body)),
        ("", body),
        ("identity", body),
    ):
        assert inflate(sent, encoding, bytes_max=200_000, ratio_max=1000) == body


def test_deflate_without_its_zlib_header_is_understood_too() -> None:
    assert inflate(raw_deflate(b"hello hello hello"), "deflate", bytes_max=100, ratio_max=100) == b"hello hello hello"


def test_the_limit_is_exact() -> None:
    sent = gzip.compress(b"x" * 70_000)
    assert len(inflate(sent, "gzip", bytes_max=70_000, ratio_max=10_000)) == 70_000
    with pytest.raises(DecodedTooLarge):
        inflate(sent, "gzip", bytes_max=69_999, ratio_max=10_000)


def test_a_ratio_counts_only_past_small_sizes() -> None:
    assert len(inflate(gzip.compress(b"x" * 65_536), "gzip", bytes_max=10**6, ratio_max=2)) == 65_536
    with pytest.raises(DecodedTooLarge):
        inflate(gzip.compress(b"x" * 65_537), "gzip", bytes_max=10**6, ratio_max=2)


def test_a_bomb_costs_no_more_memory_than_the_limit() -> None:
    bomb = gzip.compress(b"0" * 200_000_000)
    tracemalloc.start()
    with pytest.raises(DecodedTooLarge):
        inflate(bomb, "gzip", bytes_max=1_000_000, ratio_max=10_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_cut_off_body_is_broken(cut: int) -> None:
    with pytest.raises(EncodingBroken):
        inflate(gzip.compress(b'{"a":1}')[:-cut], "gzip", bytes_max=100, ratio_max=100)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]))
def test_no_bytes_raise_anything_else(body: bytes, encoding: str) -> None:
    decoded = b""
    with contextlib.suppress(EncodingBroken, DecodedTooLarge):
        decoded = inflate(body, encoding, bytes_max=1000, ratio_max=10)
    assert len(decoded) <= 1000


def test_bytes_behind_the_end_are_refused() -> None:
    with pytest.raises(EncodingBroken):
        inflate(gzip.compress(b"{}") + b"more", "gzip", bytes_max=100, ratio_max=100)


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "gzip,deflate", "*", "gzip;q=1"])
def test_other_encodings_are_unknown(encoding: str) -> None:
    with pytest.raises(EncodingUnknown):
        inflate(b"", encoding, bytes_max=100, ratio_max=100)
