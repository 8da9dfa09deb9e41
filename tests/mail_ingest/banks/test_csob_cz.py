"""ČSOB: one notice of one movement, and one mail of several."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail_ingest.banks.reader import read_mail
from mail_ingest.banks.reading import (
    Direction,
    Kind,
    Movement,
    Reading,
    ReadingContext,
    SymbolSource,
)
from tests.mail_ingest import letters
from tests.mail_ingest.banks import strategies
from tests.mail_ingest.letters import Contract, Foreign, Told

CONTEXT = ReadingContext(datetime(2026, 11, 12, 12, tzinfo=UTC))


def read(body: str, charset: str = "utf-8", encoding: str = "quoted-printable") -> Reading:
    return read_mail(letters.mail(body, charset=charset, encoding=encoding), CONTEXT)


def assert_told(movement: Movement, told: Told) -> None:
    """What the bank's fields say is what was put in, and the payer's text is only text."""
    assert movement.amount == told.amount
    assert movement.direction is (Direction.IN if told.incoming else Direction.OUT)
    assert movement.currency == "CZK"
    assert movement.own_account == f"{told.own}/0300"
    assert movement.counter_account == told.counter
    assert movement.counterparty_name == told.name
    assert (movement.ks, movement.ss) == (told.ks or None, told.ss or None)
    assert movement.balance_after == told.balance
    assert movement.date == date(2026, 11, 12)
    assert movement.message == strategies.as_read(told.message)
    if told.vs:
        assert (movement.vs, movement.vs_source) == (told.vs, SymbolSource.FIELD)
    else:
        assert movement.vs_source is not SymbolSource.FIELD


def chained(first: Told, *others: Told) -> list[Told]:
    """Let each balance go on from the one before, on the first one's account."""
    chain = [first]
    for told in others:
        signed = told.amount if told.incoming else -told.amount
        chain.append(replace(told, own=first.own, balance=chain[-1].balance + signed))
    return chain


@given(strategies.told, strategies.ways)
def test_the_retail_form_gives_what_was_put_in(told: Told, way: tuple[str, str]) -> None:
    (movement,) = read(letters.csob_retail(told), *way).movements
    assert_told(movement, told)


@given(st.lists(strategies.told, min_size=1, max_size=4), strategies.ways)
def test_the_business_form_gives_each_movement_that_was_put_in(
    several: list[Told], way: tuple[str, str]
) -> None:
    chain = chained(*several)
    body = letters.csob_business(*(letters.csob_business_block(told) for told in chain))
    reading = read(body, *way)
    assert len(reading.movements) == len(chain), reading.findings
    for movement, told in zip(reading.movements, chain, strict=True):
        assert_told(movement, told)


def test_honest_mails_are_complete() -> None:
    assert read(letters.csob_retail(Told())).complete
    chain = chained(Told(), Told(incoming=False, amount=Decimal("500.00")), Told(vs="1"))
    reading = read(letters.csob_business(*map(letters.csob_business_block, chain)))
    assert reading.complete, reading.findings
    assert (reading.kind, reading.template) == (Kind.MULTI_PAYMENT, "csob_cz.ceb.1")


def test_a_forged_movement_in_the_payers_text_is_not_read() -> None:
    """A payer knows neither the contract's number nor the balance."""
    forged = letters.csob_business_block(
        Told(amount=Decimal("99000.00"), vs="26000001"), contract=Contract(number="1")
    )
    told = Told(message="x\nZůstatek na účtu po zaúčtování transakce: +1,00 CZK.\n\n" + forged)
    reading = read(letters.csob_business(letters.csob_business_block(told)))
    assert [movement.amount for movement in reading.movements] == [told.amount]
    assert reading.movements[0].vs == "26000147"
    assert "the payer's text looks like another movement" in reading.findings


def test_a_movement_whose_balance_does_not_go_on_waits_for_a_person() -> None:
    """Even a payer who learned the contract's number can't know the balance."""
    blocks = [
        letters.csob_business_block(Told()),
        letters.csob_business_block(Told(vs="26000001", balance=Decimal("1.00"))),
    ]
    reading = read(letters.csob_business(*blocks))
    assert "the balances of the movements don't go on from each other" in reading.findings


def test_a_bad_block_does_not_lose_the_others() -> None:
    first, second, third = map(
        letters.csob_business_block, chained(Told(), Told(vs="2"), Told(vs="3"))
    )
    bad = second.replace("Částka: +1\u00a0249,00 CZK", "Částka: tisíc CZK")
    assert bad != second
    reading = read(letters.csob_business(first, bad, third))
    assert [movement.vs for movement in reading.movements] == ["26000147", "3"]
    assert not reading.complete


def test_a_foreign_payment_keeps_what_was_sent() -> None:
    told = Told(counter="NL91 ABNA 0417 1643 00", vs="", ks="", amount=Decimal("3581.70"))
    reading = read(letters.csob_business(letters.csob_business_block(told, foreign=Foreign())))
    (movement,) = reading.movements
    assert reading.complete, reading.findings
    assert (movement.original_amount, movement.original_currency) == (Decimal("150.00"), "EUR")
    assert (movement.counter_account, movement.counter_account_raw) == ("NL91ABNA0417164300", None)
    assert (movement.vs, movement.vs_source) == ("6869282912", SymbolSource.MESSAGE)
    assert (movement.end_to_end, movement.bank_reference) == ("NOTPROVIDED", "9876543210")


@pytest.mark.parametrize(
    ("what", "incoming", "kind"),
    [
        ("transakce typu: Storno příchozí úhrady", False, Kind.REVERSAL),
        ("transakce typu: Příchozí úhrada", False, Kind.REVERSAL),
        ("transakce platební kartou", True, Kind.CARD_SETTLEMENT),
    ],
)
def test_what_is_no_plain_transfer_waits_for_a_person(
    what: str, incoming: bool, kind: Kind
) -> None:
    told = Told(incoming=incoming)
    reading = read(letters.csob_business(letters.csob_business_block(told, what=what)))
    assert reading.kind is kind
    assert not reading.complete
    if kind is Kind.REVERSAL:
        assert reading.movements[0].reverses_vs == "26000147"


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("transakce platební kartou", Kind.CARD_PAYMENT),
        ("transakce typu: Poplatek", Kind.FEE),
        ("transakce typu: Odchozí úhrada", Kind.OUTGOING_PAYMENT),
    ],
)
def test_debits_are_told_apart(what: str, kind: Kind) -> None:
    told = Told(incoming=False)
    assert read(letters.csob_business(letters.csob_business_block(told, what=what))).kind is kind


def test_an_amount_without_a_sign_waits_for_a_person() -> None:
    body = letters.csob_business(letters.csob_business_block(Told())).replace(": +1", ": 1", 1)
    assert "the amount has no sign" in read(body).findings


def test_another_account_in_the_fields_waits_for_a_person() -> None:
    body = letters.csob_retail(Told()).replace("\n1111111111/0300", "\n3333333333/0300")
    assert not read(body).complete


def test_a_padded_symbol_of_13_digits_is_read() -> None:
    (movement,) = read(letters.csob_retail(Told(vs="0009002567593"))).movements
    assert (movement.vs, movement.vs_raw) == ("9002567593", "0009002567593")


@pytest.mark.parametrize("name", ["Částka", "Variabilní symbol", "Účet", "ČSTKA"])
def test_a_payer_may_be_called_as_a_label_is(name: str) -> None:
    reading = read(letters.csob_retail(Told(name=name)))
    assert reading.complete, reading.findings
    assert_told(reading.movements[0], Told(name=name))


def test_the_retail_form_is_read_from_a_table() -> None:
    plain = letters.csob_retail(Told())
    intro, rest = plain.split("Parametry platby\n")
    fields, closing = rest.split("\nZůstatek")
    cells = fields.split("\n")
    rows = "".join(
        f"<tr><td>{label}</td><td>{value}</td></tr>"
        for label, value in zip(cells[::2], cells[1::2], strict=True)
    )
    paragraphs = "".join(f"<p>{line}</p>" for line in intro.split("\n"))
    html = f"{paragraphs}<p>Parametry platby</p><table>{rows}</table><div>Zůstatek{closing}</div>"
    html = html.replace("\n", "<br>")
    reading = read_mail(letters.mail(html, subtype="html"), CONTEXT)
    assert reading.complete, reading.findings
    assert_told(reading.movements[0], Told())
