"""Amounts, dates, accounts and symbols: each by its rule, and refused where it fits none."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail_ingest.banks.accounts import account_key, account_of
from mail_ingest.banks.amounts import parse_money
from mail_ingest.banks.dates import parse_date_time
from mail_ingest.banks.symbols import (
    constant_symbol,
    creditor_reference_symbol,
    reference_symbols,
    symbol,
    symbol_in_text,
)
from tests.mail_ingest.banks import strategies
from tests.mail_ingest.letters import printed


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("3 898,00", "3898.00", None),
        ("2\u00a0500,00 Kč".replace("\u00a0", " "), "2500.00", "CZK"),
        ("+1.234,56 CZK", "1234.56", "CZK"),
        ("20,546.00 CZK", "20546.00", "CZK"),
        ("1.546,50", "1546.50", None),
        ("+1150,00 EUR", "1150.00", "EUR"),
        ("34,90 €", "34.90", "EUR"),
        ("12.00", "12.00", None),
        ("349,99 lei", "349.99", "RON"),
        ("−500,00 CZK", "-500.00", "CZK"),
        ("1.234", "1234.00", None),
        ("1 234 567,89 CZK.", "1234567.89", "CZK"),
    ],
)
def test_amounts_as_banks_print_them(text: str, amount: str, currency: str | None) -> None:
    assert parse_money(text) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    "text", ["", "1,5", "1,2345", "1 23,00", "1,234,56", "1.23.456", "1,00 Kčs", "x", "1-2", "- -1"]
)
def test_an_amount_that_fits_no_rule_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        parse_money(text)


@given(strategies.amounts, st.sampled_from([" ", ""]))
def test_a_printed_amount_is_read_as_it_was(amount: Decimal, blank: str) -> None:
    assert parse_money(printed(amount, blank)) == (amount, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("31.5.2026", (date(2026, 5, 31), None)),
        ("01. 06. 2026 10:15", (date(2026, 6, 1), "10:15")),
        ("1. 9. 2026 v 8:05", (date(2026, 9, 1), "08:05")),
        ("25.05.2026 13:02:31", (date(2026, 5, 25), "13:02:31")),
        ("13-11-2026", (date(2026, 11, 13), None)),
    ],
)
def test_dates_as_banks_print_them(text: str, expected: tuple[date, str | None]) -> None:
    assert parse_date_time(text) == expected


@pytest.mark.parametrize("text", ["31.2.2026", "2026-11-13", "1.1.26", "1.1.2026 25:00"])
def test_a_day_that_never_was_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a|day|month"):
        parse_date_time(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("35-1111111111/0100", "35-1111111111/0100"),
        ("0-8888888888/0600", "8888888888/0600"),
        ("000000-2222222222/0800", "2222222222/0800"),
        ("NL91 ABNA 0417 1643 00", "NL91ABNA0417164300"),
        ("sk54 1100 0000 0026 1111 1104", "SK5411000000002611111104"),
        ("CZ65 0800 0000 1920 0014 5399", "19-2000145399/0800"),
    ],
)
def test_accounts_come_to_one_form(text: str, key: str) -> None:
    assert account_key(text) == key


def test_a_slovak_domestic_number_becomes_an_iban() -> None:
    assert account_of("000000-2922222207", "1100", "SK") == "SK6511000000002922222207"


@pytest.mark.parametrize(
    "text", ["1111111112/0100", "NL91ABNA0417164301", "platba kartou", "/", "0/0100", "1" * 99]
)
def test_an_account_with_wrong_check_digits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"account|IBAN"):
        account_key(text)


def test_symbols_have_no_leading_zeros_and_are_never_cut() -> None:
    assert symbol("0009002567593") == "9002567593"
    assert symbol("0000000000") is symbol("") is None
    assert (constant_symbol("308"), constant_symbol("0000")) == ("0308", None)
    for text in ("12345678901", "12a"):
        with pytest.raises(ValueError, match="digits"):
            symbol(text)
    with pytest.raises(ValueError, match="digits"):
        constant_symbol("10308")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("/VS0449274899", "449274899"),
        ("vs3723199116", "3723199116"),
        ("v.s.3723199116", "3723199116"),
        ("ORDER V.S . 6869282912", "6869282912"),
        ("Variabilní symbol: 26000001", "26000001"),
        ("VS 26000001 a VS:26000001", "26000001"),
        ("VS 26000001 a VS 26000002", None),
        ("VS: 12345678901", None),
        ("VS 2026/0151", None),
        ("VS 26000901+902", None),
        ("VS 2600 0001", None),
        ("objednávka 26000001", None),
        ("CVS 26000001", None),
        ("VS 0", None),
    ],
)
def test_a_symbol_in_the_payers_text_needs_its_mark(text: str, key: str | None) -> None:
    assert symbol_in_text(text) == key


def test_references_are_read_in_any_order() -> None:
    read = reference_symbols("/KS0308/VS012345/SS")
    assert (read.vs, read.ss, read.ks) == ("012345", "", "0308")
    assert reference_symbols("NOTPROVIDED").vs is None
    with pytest.raises(ValueError, match="two different VS"):
        reference_symbols("/VS1/VS2")


@pytest.mark.parametrize(
    ("reference", "key"), [("0001234056790", "1234056790"), ("RF18539007547034", None), ("X", None)]
)
def test_creditor_references(reference: str, key: str | None) -> None:
    assert creditor_reference_symbol(f"(CdtrRefInf)(Ref){reference}(/Ref)(/CdtrRefInf)") == key


def test_a_creditor_reference_of_ten_digits_is_a_symbol() -> None:
    assert creditor_reference_symbol("(CdtrRefInf)(Ref)RF42 1234056790(/Ref)") == "1234056790"
