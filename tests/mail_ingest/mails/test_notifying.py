"""Which movements are told, as what, and under which number."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail_ingest.banks.reading import Direction, Kind, Movement
from mail_ingest.mails.movements import KINDS, payment_message
from mail_ingest.mails.notifying import Told, number
from spojka.api.mail.v1 import events_pb2 as api

NOT_MONEY = {
    Kind.CARD_HOLD,
    Kind.NOT_EXECUTED,
    Kind.MULTI_PAYMENT,
    Kind.BALANCE_INFO,
    Kind.GATEWAY_NOTICE,
    Kind.ADDRESS_VERIFICATION,
    Kind.UNREADABLE,
    Kind.UNKNOWN,
}

MOVEMENTS = st.builds(
    Movement,
    kind=st.just(Kind.INCOMING_PAYMENT),
    direction=st.sampled_from(Direction),
    amount=st.sampled_from([Decimal(1), Decimal("1.00"), Decimal(2)]),
    currency=st.sampled_from(["CZK", "EUR"]),
    date=st.sampled_from([date(2026, 11, 1), date(2026, 11, 2)]),
    own_account=st.none(),
    vs=st.sampled_from([None, "1", "2"]),
)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_money_or_is_not(kind: Kind) -> None:
    assert (kind in KINDS) != (kind in NOT_MONEY)


@given(st.lists(MOVEMENTS, max_size=6), st.randoms())
def test_a_reading_again_tells_nothing_twice(movements: list[Movement], random: object) -> None:
    first = number(movements, [])
    assert [told.movement for told, _ in first] == list(range(len(movements)))
    random.shuffle(movements)  # type: ignore[attr-defined]
    assert number(movements, [told for told, _ in first]) == []


@given(st.lists(MOVEMENTS, max_size=6), st.lists(MOVEMENTS, max_size=6))
def test_what_is_added_is_told_and_numbered_on(
    before: list[Movement], added: list[Movement]
) -> None:
    told = [each for each, _ in number(before, [])]
    new = number(before + added, told)
    # What looks like one that was told stands for it, whichever of the two it is.
    assert len(new) == len(added)
    assert [each.movement for each, _ in new] == list(range(len(before), len(before) + len(added)))


def test_numbers_go_on_after_the_highest() -> None:
    movement = Movement(
        kind=Kind.INCOMING_PAYMENT,
        direction=Direction.IN,
        amount=Decimal(1),
        currency="CZK",
        date=date(2026, 11, 1),
        own_account=None,
    )
    ((told, _),) = number([movement], [Told(4, "something else")])
    assert told.movement == 5


def test_a_movement_keeps_all_its_fields() -> None:
    movement = Movement(
        kind=Kind.REVERSAL,
        direction=Direction.OUT,
        amount=Decimal("12.30"),
        currency="CZK",
        date=date(2026, 11, 1),
        own_account="1111111111/2010",
        counter_account="2222222222/0800",
        counterparty_name="Eva",
        vs="1",
        ks="0308",
        ss="7",
        message="hello",
        end_to_end="E2E",
        bank_reference="42",
        balance_after=Decimal("-1.50"),
        original_amount=Decimal("0.5"),
        original_currency="EUR",
    )
    message = payment_message(movement)
    assert not message.incoming
    assert (message.amount.amount, message.amount.currency) == ("12.3", "CZK")
    assert message.kind == api.NOTIFICATION_KIND_REVERSAL
    assert message.balance_after == "-1.5"
    assert (message.original_amount.amount, message.original_amount.currency) == ("0.5", "EUR")
    assert (message.variable_symbol, message.constant_symbol, message.specific_symbol) == (
        "1",
        "0308",
        "7",
    )
    assert (message.end_to_end, message.bank_reference) == ("E2E", "42")
    assert (message.own_account, message.counter_account) == (
        "1111111111/2010",
        "2222222222/0800",
    )
    assert (message.value_date, message.counterparty_name, message.message) == (
        "2026-11-01",
        "Eva",
        "hello",
    )
