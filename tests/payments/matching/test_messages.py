"""The matcher's values and the contracts' messages say the same."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from payments.matching.deciding import decide
from payments.matching.values import Criterion, PaymentState, PaymentStatus, Rules
from payments.messages.matching import (
    customer_key,
    incoming_of,
    payable_of,
    rules_message,
    rules_of,
    verdict_message,
)
from payments.rules.defaults import default_rules
from spojka.api.common.v1.money_pb2 import Money
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2
from tests.payments.matching.values import order, payment, rules


def test_rules_come_back_as_they_went() -> None:
    chosen = Rules(
        (Criterion.ORDER_NUMBER, Criterion.MESSAGE_PATTERN),
        {"CZK": Decimal("0.5"), "EUR": Decimal(1)},
        "<(.*)>",
        reuse_after_days=90,
        expire_after_days=30,
        text_needs_person=True,
        revision=7,
    )
    assert rules_of(rules_message(chosen)) == chosen
    assert rules_message(rules_of(default_rules())) == default_rules()


def test_a_verdict_is_told_whole() -> None:
    verdict = decide(payment("1300", vs="2026118"), [order("A", vs="2026118")], rules(revision=3))
    prague = timezone(timedelta(hours=1))
    message = verdict_message(verdict, "CZK", datetime(2026, 11, 20, 1, tzinfo=prague))
    assert PaymentStatus(message.status) is PaymentStatus.OVERPAID
    assert message.rules_revision == 3
    assert message.decide_time.ToDatetime(UTC) == datetime(2026, 11, 20, tzinfo=UTC)
    assert [
        (one.order_id, one.amount.amount, one.amount.currency) for one in message.allotments
    ] == [("id-A", "1250", "CZK")]
    assert [run.criterion for run in message.runs] == [int(run.criterion) for run in verdict.runs]
    assert message.runs[1].candidates[0].taken
    suggested = decide(payment(vs="2026117"), [order("A", vs="2026118")], rules())
    assert verdict_message(suggested, "CZK").suggestions[0].order_ids == ["id-A"]


def test_an_order_is_closed_as_its_message_says() -> None:
    message = order_pb2.Order(id="a", currency="CZK", total="100", amount_paid="99.5")
    message.update_time.FromSeconds(1_800_000_000)
    open_order = payable_of(message)
    assert (open_order.state, open_order.open) == (PaymentState.PARTIAL, True)
    assert open_order.close_time is None
    # Paid within a tolerance that the message does not name.
    message.payment_state = order_pb2.PAYMENT_STATE_PAID
    closed = payable_of(message)
    assert (closed.open, closed.due) == (False, Decimal("0.5"))
    assert closed.close_time == datetime.fromtimestamp(1_800_000_000, UTC)


def test_customers_are_known_by_e_mail_else_by_company() -> None:
    assert customer_key(order_pb2.Customer(email=" Eva@Example.com ")) == "eva@example.com"
    assert customer_key(order_pb2.Customer(company_id="123 45678")) == "company:12345678"
    assert customer_key(order_pb2.Customer(name="Eva")) == ""


def test_what_is_wrong_is_named() -> None:
    message = payment_pb2.Payment(amount=Money(currency="CZK", amount="1"), value_date="x")
    with pytest.raises(ValueError, match="value_date: 'x'"):
        incoming_of(message)
    message.value_date = "2026-11-20"
    message.original_amount.CopyFrom(Money(currency="EUR", amount="1,5"))
    with pytest.raises(ValueError, match=r"original_amount.amount: '1,5'"):
        incoming_of(message)
