"""The header block is taken apart in one way only, and limited."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail_ingest.message.headers import (
    HEADER_BLOCK_BYTES_MAX,
    HEADERS_MAX,
    Header,
    MessageError,
    decoded,
    split,
    text,
    values,
)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_fields_are_unfolded_and_the_body_is_left_as_it_is(end: str) -> None:
    raw = end.join(
        ["From: a@b.cz", "Subject: one", "\ttwo", "X-Empty:", "", "body", "", "Not: one"]
    )
    headers, body = split(raw.encode())
    assert headers == (
        Header("From", b"a@b.cz"),
        Header("Subject", b"one\ttwo"),
        Header("X-Empty", b""),
    )
    assert body == end.join(["body", "", "Not: one"]).encode()
    assert values(headers, "SUBJECT") == (b"one\ttwo",)


@pytest.mark.parametrize(
    "raw",
    [
        b" folded: first\r\n\r\n",
        b"no field\r\n\r\n",
        b"Subject : x\r\n\r\n",
        b": x\r\n\r\n",
        b"From bank Wed Nov 11\r\nFrom: a@b.cz\r\n\r\n",
        b"P\xc5\x99edm\xc4\x9bt: x\r\n\r\n",
        b"From: a@b.cz\rSubject: x\r\n\r\n",
        b"From: a\x00@b.cz\r\n\r\n",
        b"A: b\r\n" * (HEADERS_MAX + 1) + b"\r\n",
        b"A: " + b"b" * HEADER_BLOCK_BYTES_MAX + b"\r\n\r\n",
    ],
)
def test_what_programs_read_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(MessageError):
        split(raw)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?b?UG9oeWIgbmEgw7rEjXTEmw==?=", "Pohyb na účtě"),
        (b"=?windows-1250?Q?=C8SOB_Info_24_=2D_Av=EDzo?=", "ČSOB Info 24 - Avízo"),
        (b"=?Cp1250?Q?=C8SOB?= <a@b.sk>", "ČSOB <a@b.sk>"),
        (b"=?utf-8?q?=C4?= =?utf-8?q?=8C?=", "Č"),
        (b"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("Přišla platba".encode(), "Přišla platba"),
        ("Přišla platba".encode("cp1250"), "Přišla platba"),
        (b"=?x-unknown?q?=C4=8C?=", "Č"),
        (b"=?utf-8?b?!!!!?=", "!!!!"),
        (b"=?utf-8?q?a=0D=0AFrom=3A_b?=", "a  From: b"),
        (b"=?rot13?q?uryyb?=", "uryyb"),
    ],
)
def test_values_are_read_as_people_read_them(value: bytes, read: str) -> None:
    assert text(value) == read


@given(st.binary(max_size=400))
def test_any_bytes_are_split_or_refused(raw: bytes) -> None:
    try:
        headers, body = split(raw)
    except MessageError:
        return
    assert raw.endswith(body)
    assert all(b"\n" not in header.value for header in headers)


@given(st.binary(max_size=200), st.sampled_from(["utf-8", "cp1250", "hex", "utf-16", "", "x"]))
def test_any_bytes_are_decoded_and_no_character_is_dropped(data: bytes, charset: str) -> None:
    assert len(decoded(data, charset)) >= len(data) / 4
    assert isinstance(text(data), str)
