"""How people write numbers and symbols."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.matching.numbers import (
    NAMED_MAX,
    named_numbers,
    named_symbols,
    number_key,
    readable,
    valid_symbol,
)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("FV-2026-0042", "FV20260042"),
        ("fv 2026/0042", "FV20260042"),
        ("FCT-2026/0147", "FCT20260147"),
        ("seria ABC nr 000123", "ABC123"),
        ("abc123", "ABC123"),
        ("Faktúra č. 0002026017", "2026017"),
        ("OBJ2026001", "2026001"),
        ("objednávka 2026-001", "2026001"),
        ("Žluťoučký 12", "ZLUTOUCKY12"),
        ("2026-118", "2026118"),
        ("20330001", "20330001"),
        ("203301", "203301"),
        ("faktura", ""),
        ("0000", "0"),
        ("A" * 30 + "1234", ""),
    ],
)
def test_a_number_compares_in_one_form(written: str, key: str) -> None:
    assert number_key(written) == key


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("VS26110321 objednávka", ("26110321",)),
        ("VZOR HANDEL BV ORDER V.S . 6869282912", ("6869282912",)),
        ("/Eva Ukazkova /P98765432 /VS0449274899", ("449274899",)),
        ("vs3723199116", ("3723199116",)),
        ("v.s.3723199116", ("3723199116",)),
        ("AVIZO, VS: 202600009", ("202600009",)),
        ("variabilní symbol: 123456", ("123456",)),
        ("Variabilný symbol 0000123456", ("123456",)),
        ("VS 12345678901", ()),
        ("VS0009002567593", ("9002567593",)),
        ("KVS 1234", ()),
        ("VS 0000", ()),
        ("VS 1001 a VS 1002", ("1001", "1002")),
    ],
)
def test_symbols_named_in_a_text(text: str, symbols: tuple[str, ...]) -> None:
    assert named_symbols(readable(text)) == symbols


@pytest.mark.parametrize(
    ("text", "key", "marked"),
    [
        ("Plata factura FCT-2026/0147 comanda 100234", "FCT20260147", True),
        ("Plata factura FCT-2026/0147 comanda 100234", "100234", True),
        ("objednavka 1001", "1001", True),
        ("objednávka č. 9002567593", "9002567593", True),
        ("objednávka č. 118", "118", False),
        ("F202601 Jan Vzorový", "F202601", True),
        ("Maroko 2026", "2026", False),
        ("platba 2026-0151 SI 2026-0152", "20260152", False),
        ("26000901+902", "26000902", False),
        ("1234 056 789", "1234056789", False),
        ("FV 2026 0042", "FV20260042", True),
        ("Úhrada RF182026118", "2026118", True),
        ("Novak obj 9911929200", "9911929200", True),
    ],
)
def test_numbers_named_in_a_text(text: str, key: str, *, marked: bool) -> None:
    assert (key, marked) in named_numbers(readable(text))


@pytest.mark.parametrize("text", ["ul. Dlouhá 12", "dne 1.9.", "č. 7/3", "bez čísla", ""])
def test_dates_and_houses_are_no_numbers(text: str) -> None:
    # With the word before it, it may be a number with letters, of exactly that form.
    assert not [found for found in named_numbers(readable(text)) if found.key.isdigit()]
    assert not any(found.marked for found in named_numbers(readable(text)))


@given(st.text(max_size=3000))
def test_any_text_is_read_and_names_a_bounded_number(text: str) -> None:
    found = named_numbers(readable(text))
    assert len(found) <= NAMED_MAX
    assert len(named_symbols(readable(text))) <= NAMED_MAX
    assert all(number.key == number_key(number.key) != "" for number in found)


@given(st.from_regex(r"[A-Z]{0,4}-?[0-9]{4}[-/][0-9]{2,6}", fullmatch=True))
def test_a_number_is_found_in_the_text_that_quotes_it(number: str) -> None:
    key = number_key(number)
    keys = {found.key for found in named_numbers(readable(f"platba za {number}, děkuji"))}
    assert key in keys or sum(sign.isdigit() for sign in key) < 4


@given(st.text("0123456789", max_size=14))
def test_symbols_have_no_leading_zeros_and_at_most_ten_digits(text: str) -> None:
    symbol = valid_symbol(text)
    assert symbol in {text.lstrip("0"), ""}
    assert (symbol == "") == (len(text.lstrip("0")) > 10 or not text.strip("0"))


@pytest.mark.parametrize("text", ["C " * 20_000, "1 " * 20_000, "A1-" * 20_000, "V.S " * 20_000])
def test_hostile_texts_are_read_in_no_time(text: str) -> None:
    started = time.process_time()
    named_numbers(readable(text))
    named_symbols(readable(text))
    assert time.process_time() - started < 0.2
