"""Fio: what was put into a notice comes out of it, whatever the payer wrote."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail_ingest.banks.reader import read_mail
from mail_ingest.banks.reading import (
    Balance,
    CurrencySource,
    DateSource,
    Direction,
    Kind,
    Movement,
    Reading,
    ReadingContext,
    SymbolSource,
)
from tests.mail_ingest import letters
from tests.mail_ingest.banks import strategies
from tests.mail_ingest.letters import Told

CONTEXT = ReadingContext(datetime(2026, 11, 12, 12, tzinfo=UTC), ("1111111111/2010",), "CZK")


def read(body: str, charset: str = "utf-8", encoding: str = "quoted-printable") -> Reading:
    return read_mail(letters.mail(body, charset=charset, encoding=encoding), CONTEXT)


def only(reading: Reading) -> Movement:
    assert len(reading.movements) == 1, reading.findings
    return reading.movements[0]


def assert_told(movement: Movement, told: Told) -> None:
    """What the bank's fields say is what was put in, and the payer's text is only text."""
    assert movement.amount == told.amount
    assert movement.direction is (Direction.IN if told.incoming else Direction.OUT)
    assert movement.own_account == f"{told.own}/2010"
    assert movement.counter_account == told.counter
    assert (movement.ks, movement.ss) == (told.ks or None, told.ss or None)
    assert movement.balance_after == told.balance
    if told.vs:
        assert (movement.vs, movement.vs_raw) == (told.vs, told.vs)
        assert movement.vs_source is SymbolSource.FIELD
    else:
        assert movement.vs_raw is None
        assert movement.vs_source is not SymbolSource.FIELD


@given(strategies.told, strategies.ways, st.booleans())
def test_the_short_form_gives_what_was_put_in(
    told: Told, way: tuple[str, str], one_line: bool
) -> None:
    movement = only(read(letters.fio_short(told, one_line=one_line), *way))
    assert_told(movement, told)
    assert movement.message == strategies.as_read(told.message)
    assert (movement.date, movement.date_source) == (date(2026, 11, 10), DateSource.HEADER)
    assert (movement.currency, movement.currency_source) == ("CZK", CurrencySource.OWN_ACCOUNT)


@given(strategies.told, strategies.ways)
def test_the_prose_form_gives_what_was_put_in(told: Told, way: tuple[str, str]) -> None:
    reading = read(letters.fio_prose(told, kind="Platba"), *way)
    movement = only(reading)
    assert_told(movement, told)
    assert movement.message == strategies.as_read(told.message)
    assert movement.counterparty_name == told.name
    assert (movement.date, movement.time) == (date(2026, 11, 12), "12:43")
    assert movement.bank_reference == "4711000001"


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [
        ("24.08.2026", "12:43", (date(2026, 8, 24), "12:43")),
        ("1. 9. 2026", "8:05", (date(2026, 9, 1), "08:05")),
    ],
)
def test_both_ways_of_writing_a_date_are_read(
    day: str, time: str, expected: tuple[date, str]
) -> None:
    reading = read(letters.fio_prose(Told(day=day, time=time)))
    assert (only(reading).date, only(reading).time) == expected
    assert reading.complete
    assert (reading.bank, reading.template) == ("fio_cz", "fio_cz.prose.1")


def test_an_honest_short_notice_is_complete() -> None:
    for one_line in (False, True):
        reading = read(letters.fio_short(Told(), one_line=one_line))
        assert reading.complete, reading.findings
        assert reading.kind is Kind.INCOMING_PAYMENT
        assert reading.template == "fio_cz.short.1"


def test_a_foreign_account_prints_its_currency() -> None:
    body = letters.fio_short(Told()).replace("1 249,00", "1 249,00 EUR")
    movement = only(read(body))
    assert (movement.currency, movement.currency_source) == ("EUR", CurrencySource.BODY)


def test_a_card_is_no_transfer() -> None:
    told = Told(incoming=False, counter="platba kartou", vs="", ks="", message="Nákup: OBCHOD")
    movement = only(read(letters.fio_short(told)))
    assert (movement.kind, movement.direction) == (Kind.CARD_PAYMENT, Direction.OUT)
    assert (movement.counter_account, movement.counter_account_raw) == (None, "platba kartou")


def test_a_card_refund_is_told_apart() -> None:
    told = Told(counter="platba kartou", vs="", message="Kredit: OBCHOD, Praha")
    assert only(read(letters.fio_short(told))).kind is Kind.CARD_REFUND


def test_a_credit_without_the_payers_account_waits_for_a_person() -> None:
    reading = read(letters.fio_short(Told(counter="/")))
    assert not reading.complete
    assert only(reading).counter_account is None


def test_a_balance_is_no_movement() -> None:
    reading = read("Zůstatek na účtě 1111111111: 12 489,48")
    assert reading.kind is Kind.BALANCE_INFO
    assert reading.balance == Balance("1111111111/2010", Decimal("12489.48"), "CZK")
    assert not reading.movements


@pytest.mark.parametrize(
    "text",
    [
        "x\nČástka: 15 000,00",
        "Aktuální zůstatek: 1,00",
        "x\nProtiúčet: 1000000005/2010",
        "x\nVS: 1",
    ],
)
def test_a_payers_text_that_looks_like_fields_waits_for_a_person(text: str) -> None:
    reading = read(letters.fio_short(Told(message=text)))
    assert "the payer's text looks like the bank's fields" in reading.findings


@pytest.mark.parametrize("label", ["Částka", "Aktuální zůstatek", "Protiúčet", "VS", "SS", "KS"])
def test_a_short_notice_that_lacks_a_field_is_not_believed(label: str) -> None:
    body = letters.fio_short(Told())
    cut = "\n".join(line for line in body.split("\n") if not line.startswith(label + ":"))
    assert not read(cut).complete


def test_a_line_that_no_field_knows_waits_for_a_person() -> None:
    body = letters.fio_prose(Told()).replace("ID pokynu:", "Novinka: 5\nID pokynu:")
    assert not read(body).complete


def test_a_field_that_stands_twice_waits_for_a_person() -> None:
    body = letters.fio_prose(Told()).replace(
        "Konstantní symbol:", "Variabilní symbol: 26000001\nKonstantní symbol:"
    )
    reading = read(body)
    assert not reading.complete
    assert only(reading).vs == "26000147"


def test_a_symbol_of_more_than_ten_digits_is_refused_not_cut() -> None:
    reading = read(letters.fio_prose(Told(vs="26000147001")))
    assert (only(reading).vs, only(reading).vs_raw) == (None, "26000147001")
    assert not reading.complete


def test_lost_accents_are_read() -> None:
    body = letters.fio_short(Told(message="x")).encode().decode("ascii", "replace")
    assert_told(only(read(body)), replace(Told(), message="x"))


def test_an_amount_that_is_not_above_zero_is_no_movement() -> None:
    reading = read(letters.fio_short(Told()).replace(": 1 249,00", ": -1 249,00"))
    assert not reading.movements
    assert not reading.complete


def test_the_forms_are_read_from_html_too() -> None:
    for body in (letters.fio_short(Told()), letters.fio_prose(Told())):
        html = "".join(f"<div>{line or '&nbsp;'}</div>" for line in body.split("\n"))
        reading = read_mail(letters.mail(html, subtype="html"), CONTEXT)
        assert reading.complete, reading.findings
        assert_told(only(reading), Told())


@pytest.mark.parametrize(
    ("header", "day"),
    [
        ("Tue, 10 Nov 2026 23:30:00 +0000", date(2026, 11, 11)),
        ("Tue, 10 Nov 2026 23:30:00 +0100", date(2026, 11, 10)),
        ("Tue, 99 Nov 2026 99:30:00 +9999", date(2026, 11, 12)),
        ("", date(2026, 11, 12)),
    ],
)
def test_the_day_of_a_notice_without_one_is_the_mails_in_the_banks_zone(
    header: str, day: date
) -> None:
    movement = only(read_mail(letters.mail(letters.fio_short(Told()), date=header), CONTEXT))
    assert (movement.date, movement.date_source) == (day, DateSource.HEADER)
