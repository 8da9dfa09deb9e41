"""What the stand-ins write is valid MIME, says what was booked, and is signed as it is said."""

import re
from decimal import Decimal

import dkim  # type: ignore[import-untyped]
import dns.message
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.banks import Zone
from sandbox.banks.printing import NBSP, printed
from sandbox.banks.zone import WIRE_BYTES_MAX
from tests.sandbox.banks.letters import Desk, desks, opened, street_with_accounts

STREET = street_with_accounts()
DESKS = desks(STREET)
HEADERS = {
    *("Date", "From", "To", "Message-ID", "Subject"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
}
amounts = st.decimals("0.01", "9999999.99", places=2)
texts = st.text("abcčďéěňřšťůž ABCŠŽ0123456789:/,.-", max_size=120).map(str.strip)
symbols = st.from_regex(r"[1-9][0-9]{0,9}", fullmatch=True)


@pytest.fixture(params=DESKS)
def desk(request: pytest.FixtureRequest) -> Desk:
    return DESKS[str(request.param)]


@given(
    name=st.sampled_from(sorted(DESKS)),
    amount=amounts,
    symbol=symbols,
    text=texts,
    came_in=st.booleans(),
)
def test_every_mail_is_valid_mime_and_says_what_was_booked(
    name: str, amount: Decimal, symbol: str, text: str, came_in: bool
) -> None:
    desk = DESKS[name]
    movement = desk.book(amount if came_in else -amount, vs=symbol, message=text)
    raw = desk.write(movement)
    lines = raw.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert max(map(len, lines)) <= 998
    assert raw.isascii()
    message = opened(raw)
    assert not message.defects
    assert not any(getattr(value, "defects", ()) for value in message.values())
    counted = [name for name in message if name != "DKIM-Signature"]
    assert sorted(counted) == sorted(HEADERS)
    body = message.get_content().replace(NBSP, " ")
    for said in (printed(amount), symbol, desk.account, printed(movement.balance_after)):
        assert said in body


def test_its_date_is_the_time_of_the_movement_in_the_banks_own_zone(desk: Desk) -> None:
    movement = desk.book(Decimal(5))
    message = opened(desk.write(movement))
    assert message["Date"].datetime == movement.time.replace(microsecond=0)
    assert message["Date"].datetime.utcoffset() == movement.time.utcoffset()


def test_no_two_mails_are_the_same_mail(desk: Desk) -> None:
    movement = desk.book(Decimal(5))
    first, second = (opened(desk.write(movement))["Message-ID"] for _ in range(2))
    assert first != second


def test_what_came_in_and_what_went_out_read_differently(desk: Desk) -> None:
    words = [
        re.findall(
            r"Příjem|Výdaj|zvýšil|snížil|Příchozí úhrada|Odchozí úhrada|zvyseny|znizeny",
            opened(desk.write(desk.book(amount, vs="1"))).get_content(),
        )
        for amount in (Decimal(5), Decimal(-5))
    ]
    assert words[0]
    assert words[1]
    assert not set(words[0]) & set(words[1])


def test_only_ceb_tells_of_several_movements_in_one_mail(desk: Desk) -> None:
    movements = [desk.book(Decimal(amount)) for amount in (10, -3, 7)]
    if desk.form.movements_max == 1:
        with pytest.raises(ValueError, match="too many values"):
            desk.write(*movements)
        return
    body = opened(desk.write(*movements)).get_content().replace(NBSP, " ")
    balances = [printed(movement.balance_after, signed=True) for movement in movements]
    places = [body.index(balance) for balance in balances]
    assert places == sorted(places)


@pytest.mark.parametrize("wrongly", [False, True], ids=["as DNS has it", "by another key"])
def test_signatures_verify_by_the_key_in_the_zone_and_by_no_other(wrongly: bool) -> None:
    for name in ("csob ceb", "tatra bmail"):
        desk = DESKS[name]
        raw = desk.bank.write([desk.book(Decimal(5))], "x@pay.example", wrongly=wrongly)
        assert dkim.verify(raw, dnsfunc=_text_record) is not wrongly
        assert not dkim.verify(raw.replace(b"5,00", b"9,00"), dnsfunc=_text_record)


def test_fio_signs_nothing() -> None:
    desk = DESKS["fio short"]
    assert opened(desk.write(desk.book(Decimal(5))))["DKIM-Signature"] is None


def test_csob_leaves_the_content_type_unsigned_as_it_was_seen_to() -> None:
    desk = DESKS["csob ceb"]
    raw = desk.write(desk.book(Decimal(5)))
    assert dkim.verify(raw.replace(b'charset="utf-8"', b'charset="cp1250"'), dnsfunc=_text_record)


def _text_record(name: bytes, timeout: int = 5) -> bytes:
    del timeout
    return _asked(STREET.zone, name.decode().rstrip("."))


def _asked(zone: Zone, name: str) -> bytes:
    query = dns.message.make_query(name, dns.rdatatype.TXT)
    wire = zone.answer(query.to_wire(), WIRE_BYTES_MAX)
    assert wire is not None
    (answer,) = dns.message.from_wire(wire).answer
    return b"".join(answer[0].strings)
