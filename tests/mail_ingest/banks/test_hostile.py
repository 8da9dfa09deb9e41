"""Whatever the bytes are: a reading or MessageError, in bounded time."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail_ingest.banks.reader import read_mail
from mail_ingest.banks.reading import Reading, ReadingContext
from mail_ingest.message.headers import MessageError
from mail_ingest.message.mail import open_message
from tests.mail_ingest import letters
from tests.mail_ingest.letters import Told

CONTEXT = ReadingContext(datetime(2026, 11, 12, 12, tzinfo=UTC), ("1111111111/2010",), "CZK")
SECONDS_MAX = 2.0

OWN_MAILS = (
    letters.mail(letters.fio_short(Told())),
    letters.mail(letters.fio_prose(Told()), charset="windows-1250", encoding="base64"),
    letters.mail(letters.csob_retail(Told()), charset="iso-8859-2"),
    letters.mail(letters.csob_business(letters.csob_business_block(Told()))),
    letters.mail(letters.tatra(Told()), encoding="8bit"),
    letters.multipart(
        letters.part(letters.fio_prose(Told()).replace("\n", "<br>"), "text/html"),
        letters.part(b"PK\x03\x04", "application/zip", disposition="attachment", name="a.zip"),
    ),
)
PIECES = (
    b"\r\n", b"\r\n\r\n", b"--b0undary\r\n", b"--b0undary--", b"\x00", b"\xff\xfe", b"=", b"=?",
    b"Content-Type: multipart/mixed; boundary=b0undary\r\n", b"Content-Type: text/html\r\n",
    b"Content-Type: text/plain; charset=utf-16\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: x-uuencode\r\n", b"Subject: =?x?q?=FF?=\r\n", b"<div>" * 50,
    b"Date: Thu, 99 Foo 99999 99:99:99 +9999\r\n", b"From: a@b <c@d>\r\n", b"&#1114112;", b"<!--",
    "Částka: 1,00 CZK\n".encode(), "zvýšil o 9 CZK.".encode(), b"1" * 500,
)  # fmt: skip


def samples() -> list[bytes]:
    folder = os.environ.get("SPOJKA_REFERENCE_DIR")
    found = sorted((Path(folder) / "bank_mail" / "samples").glob("*.eml")) if folder else []
    return [*OWN_MAILS, *(path.read_bytes() for path in found)]


mutations = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "drop", "insert", "repeat"]),
        st.floats(0, 1),
        st.integers(1, 60),
        st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)),
    ),
    min_size=1,
    max_size=6,
)


def mutated(raw: bytes, changes: list[tuple[str, float, int, bytes]]) -> bytes:
    for how, where, length, piece in changes:
        place = int(where * len(raw))
        if how == "flip":
            raw = raw[:place] + bytes(byte ^ length for byte in piece) + raw[place + len(piece) :]
        elif how == "cut":
            raw = raw[:place]
        elif how == "drop":
            raw = raw[:place] + raw[place + length :]
        elif how == "insert":
            raw = raw[:place] + piece + raw[place:]
        else:
            raw = raw[:place] + raw[place : place + length] * 3 + raw[place:]
    return raw


@settings(max_examples=1_000)
@given(st.sampled_from(samples()), mutations)
def test_a_mutated_mail_is_a_reading_or_refused(
    raw: bytes, changes: list[tuple[str, float, int, bytes]]
) -> None:
    hostile = mutated(raw, changes)
    with suppress(MessageError):
        list(open_message(hostile).texts())
    reading = read_mail(hostile, CONTEXT)
    assert isinstance(reading, Reading)
    assert all(movement.amount > 0 for movement in reading.movements)


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_reading(raw: bytes) -> None:
    assert isinstance(read_mail(raw, CONTEXT), Reading)


def repeated(start: str, piece: str, end: str = "") -> Callable[[], bytes]:
    return lambda: letters.mail(start + piece * (150_000 // len(piece)) + end, encoding="8bit")


@pytest.mark.parametrize(
    "make",
    [
        repeated("", "Příjem na kontě: 1111111111\nČástka: 1,00\nVS:\nUS: x\n"),
        repeated(
            "Příjem na kontě: 1111111111\nČástka: 1,00\nVS:\nUS: x\n",
            "Aktuální zůstatek: 1,00\nProtiúčet: x\nSS:\n",
        ),
        repeated("", "zůstatek účtu 1111111111 se 12.11.2026 v 12:43 zvýšil o 1 CZK.\n"),
        repeated(letters.fio_prose(Told()), "Aktuální zůstatek: 1,00 CZK\n"),
        repeated("", letters.csob_business_block(Told()) + "\n\n"),
        repeated("", "Dne 12.11.2026 byla na účtu 1111111111 zaúčtována transakce typu: X.\n"),
        repeated(letters.csob_retail(Told()), "Parametry platby\n"),
        repeated("", "12.11.2026 12:43 bol zostatok Vasho uctu SK54 "),
        repeated("AMT=1.00 CURR=978 ", "VS=1 "),
        repeated("", "1 2 3 4 5 "),
        repeated("", "VS: 1\n"),
        repeated("", "na uctu "),
        repeated("", "z uctu cislo 1111111111/0100 na ucet "),
        repeated("", "kód ověření confirm "),
        repeated("", "- a: b - c: d\n"),
        repeated("(CdtrRefInf)\nČástka: 1,00 CZK\nZpráva: ", "(CdtrRefInf)(Ref)"),
    ],
    ids=lambda make: make()[190:230].decode("utf-8", "replace"),
)
def test_a_mail_made_to_be_slow_is_not(make: Callable[[], bytes]) -> None:
    raw = make()
    start = time.process_time()
    assert isinstance(read_mail(raw, CONTEXT), Reading)
    assert time.process_time() - start < SECONDS_MAX


@pytest.mark.parametrize("piece", ["<div>", "<b><p>", "<table><tr><td>", "&amp;", "<p a=b>"])
def test_html_made_to_be_slow_is_not(piece: str) -> None:
    raw = letters.mail(piece * (350_000 // len(piece)), subtype="html", encoding="8bit")
    start = time.process_time()
    assert isinstance(read_mail(raw, CONTEXT), Reading)
    assert time.process_time() - start < SECONDS_MAX
