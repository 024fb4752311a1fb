"""Bodies as they come: exact where they can be read, PayloadInvalid where they can't."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadwire.sdk import PayloadInvalid, RawRequest, is_json, read_form, read_json, read_query, text_of


def request(body: bytes, content_type: str | None = None) -> RawRequest:
    headers = () if content_type is None else (("content-type", content_type),)
    return RawRequest(method="POST", path="/", query=b"", headers=headers, body=body, received_at=1)


def multipart(*parts: str, end: str = "--b--\r\n") -> RawRequest:
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + end
    return request(body.encode(), 'multipart/form-data; boundary="b"')


def test_big_integers_stay_exact() -> None:
    assert read_json(b'{"id": 123456789012345678901234567890}') == {"id": 123456789012345678901234567890}


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    assert is_json(request(b"\xef\xbb\xbf {}"))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"NaN", b'"\xff"', b"[" * 100_000, b"1e999", b"1" * 5000, b'"\\ud800"', b"\xff\xfe{\x00}\x00"],
)
def test_what_is_no_json_is_payload_invalid(body: bytes) -> None:
    with pytest.raises(PayloadInvalid):
        read_json(body)


def test_a_form_keeps_all_values_in_order() -> None:
    assert read_query(b"a=1&b=%E0%A4%A8&a=2&c=&d") == {"a": ["1", "2"], "b": ["न"], "c": [""], "d": [""]}


def test_a_form_of_too_many_fields_is_payload_invalid() -> None:
    with pytest.raises(PayloadInvalid):
        read_query(b"a=1&" * 1001 + b"a=1")


def test_a_multipart_form_keeps_values_and_file_names() -> None:
    parts = (
        'Content-Disposition: form-data; name="full_name"\r\n\r\nप्रिया',
        'content-disposition: form-data; name="x"\r\nContent-Type: text/plain\r\n\r\n1',
        'Content-Disposition: form-data; name="x"\r\n\r\n2',
        'Content-Disposition: form-data; name="cv"; filename="cv.pdf"\r\n\r\n%PDF',
    )
    assert read_form(multipart(*parts)) == {"full_name": ["प्रिया"], "x": ["1", "2"], "cv": ["cv.pdf"]}


def test_a_multipart_form_that_is_cut_off_is_payload_invalid() -> None:
    with pytest.raises(PayloadInvalid):
        read_form(multipart('Content-Disposition: form-data; name="a"\r\n\r\n1', end=""))


def test_a_multipart_form_without_boundary_is_payload_invalid() -> None:
    with pytest.raises(PayloadInvalid):
        read_form(request(b"--b\r\n", "multipart/form-data"))


@given(body=st.binary(max_size=300))
def test_no_bytes_make_a_reader_fail_otherwise(body: bytes) -> None:
    form = request(b"--b\r\n" + body, "multipart/form-data; boundary=b")
    with suppress(PayloadInvalid):
        read_json(body)
    with suppress(PayloadInvalid):
        read_form(form)
    assert all(read_query(body).values())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" a ", "a"),
        ("", None),
        (None, None),
        (7, "7"),
        (10**30, str(10**30)),
        (1.0, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        ([], None),
        ({}, None),
    ],
)
def test_a_scalar_becomes_text(value: object, text: str | None) -> None:
    assert text_of(value) == text
