"""Tatra banka: movements, balances and the gateway's line."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail_ingest.banks.reader import read_mail
from mail_ingest.banks.reading import (
    Balance,
    Direction,
    Kind,
    Movement,
    Reading,
    ReadingContext,
    SymbolSource,
)
from tests.mail_ingest import letters
from tests.mail_ingest.banks import strategies
from tests.mail_ingest.letters import Slovak, Told

CONTEXT = ReadingContext(datetime(2026, 11, 12, 12, tzinfo=UTC))
SUBJECT = "Kredit na ucte (ID=111126/320305-1)"
GATEWAY = (
    ("AMT", "34.90"), ("CURR", "978"), ("VS", "9911921234"), ("CS", "0308"), ("RES", "OK"),
    ("TID", "43233178"), ("TIMESTAMP", "11112026060000"), ("HMAC", "ab" * 32),
)  # fmt: skip


def read(body: str, charset: str = "iso-8859-2", encoding: str = "8bit") -> Reading:
    raw = letters.mail(body, subject=SUBJECT, charset=charset, encoding=encoding)
    return read_mail(raw, CONTEXT)


def only(reading: Reading) -> Movement:
    assert len(reading.movements) == 1, reading.findings
    return reading.movements[0]


@given(
    strategies.told,
    strategies.symbols,
    st.sampled_from(["iso-8859-2", "utf-8"]),
    st.sampled_from(["8bit", "quoted-printable", "base64"]),
)
def test_the_notice_gives_what_was_put_in(
    told: Told, symbol: str, charset: str, encoding: str
) -> None:
    slovak = Slovak(reference=f"/VS{symbol}/SS/KS308")
    movement = only(read(letters.tatra(told, slovak), charset, encoding))
    assert movement.amount == told.amount
    assert movement.direction is (Direction.IN if told.incoming else Direction.OUT)
    assert (movement.currency, movement.date, movement.time) == (
        "EUR",
        date(2026, 11, 12),
        "12:43",
    )
    assert movement.own_account == "SK5411000000002611111104"
    assert movement.counter_account == "SK6511000000002922222207"
    assert movement.counterparty_name == told.name
    assert movement.message == strategies.as_read(told.message)
    assert movement.balance_after == told.balance
    assert (movement.ks, movement.ss) == ("0308", None)
    assert movement.bank_reference == "111126/320305-1"
    if symbol:
        assert (movement.vs, movement.vs_source) == (symbol, SymbolSource.FIELD)
    else:
        assert movement.vs_source is not SymbolSource.FIELD


def test_an_honest_notice_is_complete() -> None:
    for incoming in (True, False):
        reading = read(letters.tatra(Told(incoming=incoming)))
        assert reading.complete, reading.findings
        assert (reading.bank, reading.template) == ("tatra_sk", "tatra_sk.bmail.1")


def test_a_structured_creditor_reference_gives_the_symbol() -> None:
    told = Told(message="(CdtrRefInf)(Tp)(CdOrPrtry)(Cd)SCOR(/Cd)(/CdOrPrtry)(/Tp)(Ref)123(/Ref)")
    movement = only(read(letters.tatra(told, Slovak(reference="Vzorka Jozef"))))
    assert (movement.vs, movement.vs_source) == ("123", SymbolSource.MESSAGE)
    assert movement.end_to_end == "Vzorka Jozef"


def test_two_different_symbols_in_the_reference_wait_for_a_person() -> None:
    reading = read(letters.tatra(Told(message=""), Slovak(reference="/VS1/VS2/SS/KS")))
    assert not reading.complete
    assert only(reading).vs is None


def test_a_card_names_its_merchant() -> None:
    slovak = Slovak(described="Platba kartou 4405**9260, OBCHOD BRATISLAVA", reference="")
    told = Told(incoming=False, name="", message="")
    movement = only(read(letters.tatra(told, slovak)))
    assert (movement.kind, movement.counterparty_name) == (Kind.CARD_PAYMENT, "OBCHOD BRATISLAVA")
    assert movement.counter_account is None


def test_an_iban_without_a_blank_before_it_is_read() -> None:
    body = letters.tatra(Told()).replace("uctu SK", "uctuSK")
    assert only(read(body)).own_account == "SK5411000000002611111104"


def test_a_balance_is_no_movement() -> None:
    reading = read(letters.tatra_balance(Told()))
    assert reading.kind is Kind.BALANCE_INFO
    assert reading.balance == Balance("SK5411000000002611111104", Decimal("168459.32"), "EUR")
    assert reading.complete
    assert not reading.movements


@pytest.mark.parametrize(("result", "code"), [("OK", None), ("FAIL", None), ("OK", "CB")])
def test_a_gateway_line_is_never_a_transfer(result: str, code: str | None) -> None:
    fields = [*GATEWAY, *([("TXN", code)] if code else [])]
    body = letters.tatra_gateway([(n, result if n == "RES" else v) for n, v in fields])
    reading = read(body)
    movement = only(reading)
    assert reading.kind is movement.kind is Kind.GATEWAY_NOTICE
    assert not movement.booked
    assert (movement.result, movement.subtype) == (result, "card_gateway")
    assert movement.direction is (Direction.OUT if code else Direction.IN)
    assert (movement.amount, movement.currency) == (Decimal("34.90"), "EUR")
    assert (movement.date, movement.time) == (date(2026, 11, 11), "06:00:00")


def test_a_gateway_line_with_a_field_twice_waits_for_a_person() -> None:
    reading = read(letters.tatra_gateway([*GATEWAY, ("VS", "1")]))
    assert not reading.complete
    assert only(reading).vs == "9911921234"
