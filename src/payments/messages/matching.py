"""The matcher's values in the contracts' messages."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp

from payments.matching.coverage import coverage
from payments.matching.values import (
    Criterion,
    CriterionRun,
    Incoming,
    Payable,
    PaymentMethod,
    PaymentSource,
    PaymentState,
    References,
    Rules,
    SymbolSource,
    Verdict,
)
from spojka.api.common.v1 import money_pb2
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2, payment_service_pb2
from spojka.values import ZERO, Money, format_decimal, parse_decimal


def incoming_of(
    payment: payment_pb2.Payment,
    *,
    known_customers: Iterable[str] = (),
    never: Iterable[str] = (),
) -> Incoming:
    """A payment as the matcher takes it. Raises ValueError naming the field that is wrong."""
    original = payment.original_amount
    return Incoming(
        amount=_money(payment.amount, "amount"),
        value_date=_date(payment.value_date),
        source=PaymentSource(payment.source),
        variable_symbol=payment.variable_symbol,
        symbol_source=SymbolSource(payment.variable_symbol_source),
        counter_account=payment.counter_account,
        reference=payment.reference,
        end_to_end=payment.end_to_end,
        message=payment.message,
        original=_money(original, "original_amount") if original.currency else None,
        known_customers=frozenset(known_customers),
        never=frozenset(never),
    )


def payable_of(order: order_pb2.Order) -> Payable:
    """An order as its own message has it. Raises ValueError naming the field that is wrong.

    What is paid of it is what the message says; where it names no payment
    state, the amounts decide. A closed order counts as closed since its last
    change: its message knows no better.
    """
    total = _decimal(order.total, "total")
    paid = _decimal(order.amount_paid, "amount_paid") if order.amount_paid else ZERO
    counted = coverage(total, paid, ZERO)
    state = PaymentState(order.payment_state) if order.payment_state else counted
    cancelled = order.fulfilment_state == order_pb2.FULFILMENT_STATE_CANCELLED
    closed = cancelled or state not in {PaymentState.UNPAID, PaymentState.PARTIAL}
    return Payable(
        id=order.id,
        number=order.number or order.channel_order_id,
        currency=order.currency,
        total=total,
        order_time=_time(order.order_time),
        paid=paid,
        state=state,
        cancelled=cancelled,
        close_time=_time(order.update_time) if closed and order.HasField("update_time") else None,
        method=PaymentMethod(order.payment_method),
        channel_id=order.channel_id,
        customer_key=customer_key(order.customer),
        references=references_of(order.references),
    )


def references_of(message: order_pb2.OrderReferences) -> References:
    """What a payment may name the order by."""
    return References(
        message.variable_symbol,
        message.invoice_number,
        message.invoice_variable_symbol,
        message.gateway_reference,
    )


def customer_key(customer: order_pb2.Customer) -> str:
    """Who ordered, as far as orders of one customer can be told: by e-mail, else by company."""
    email = customer.email.strip().casefold()
    if email:
        return email
    company = "".join(customer.company_id.split())
    return f"company:{company}" if company else ""


def rules_of(message: payment_service_pb2.MatchingRules) -> Rules:
    """The rules as the matcher takes them. Raises ValueError naming the field that is wrong."""
    return Rules(
        criteria=tuple(Criterion(criterion) for criterion in message.criteria),
        tolerances={
            tolerance.currency: _money(tolerance, "tolerances").amount
            for tolerance in message.tolerances
        },
        message_pattern=message.message_pattern,
        reuse_after_days=message.reuse_after_days,
        expire_after_days=message.expire_after_days,
        text_needs_person=message.text_needs_person,
        revision=message.revision,
    )


def rules_message(rules: Rules) -> payment_service_pb2.MatchingRules:
    """The message of rules."""
    return payment_service_pb2.MatchingRules(
        criteria=[_criterion(criterion) for criterion in rules.criteria],
        tolerances=[
            money_message(Money(currency, amount))
            for currency, amount in sorted(rules.tolerances.items())
        ],
        message_pattern=rules.message_pattern,
        reuse_after_days=rules.reuse_after_days,
        expire_after_days=rules.expire_after_days,
        text_needs_person=rules.text_needs_person,
        revision=rules.revision,
    )


def verdict_message(
    verdict: Verdict, currency: str, decide_time: datetime | None = None
) -> payment_pb2.Verdict:
    """The message of a verdict; `currency` is the payment's."""
    message = payment_pb2.Verdict(
        status=payment_pb2.PaymentStatus.ValueType(verdict.status),
        summary=verdict.summary,
        runs=[_run_message(run) for run in verdict.runs],
        rules_revision=verdict.rules_revision,
        suggestions=[
            payment_pb2.Suggestion(
                order_ids=suggestion.order_ids,
                order_numbers=suggestion.order_numbers,
                reason=suggestion.reason,
            )
            for suggestion in verdict.suggestions
        ],
        allotments=[
            payment_pb2.Allotment(
                order_id=part.order_id,
                order_number=part.order_number,
                amount=money_message(Money(currency, part.amount)),
            )
            for part in verdict.allotments
        ],
    )
    if decide_time is not None:
        message.decide_time.FromDatetime(decide_time.astimezone(UTC).replace(tzinfo=None))
    return message


def money_message(money: Money) -> money_pb2.Money:
    """The message of an amount."""
    return money_pb2.Money(currency=money.currency, amount=format_decimal(money.amount))


def _run_message(run: CriterionRun) -> payment_pb2.CriterionRun:
    return payment_pb2.CriterionRun(
        criterion=_criterion(run.criterion),
        searched=run.searched,
        candidates=[
            payment_pb2.Candidate(
                order_id=candidate.order_id,
                order_number=candidate.order_number,
                due=money_message(candidate.due),
                taken=candidate.taken,
                reason=candidate.reason,
            )
            for candidate in run.candidates
        ],
    )


def _criterion(criterion: Criterion) -> payment_pb2.Criterion.ValueType:
    return payment_pb2.Criterion.ValueType(criterion)


def _money(message: money_pb2.Money, field: str) -> Money:
    if not message.currency:
        raise ValueError(f"{field}.currency: is missing")
    return Money(message.currency, _decimal(message.amount, f"{field}.amount"))


def _decimal(text: str, field: str) -> Decimal:
    if not text:
        raise ValueError(f"{field}: is missing")
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"value_date: {text!r} is not a date as YYYY-MM-DD") from error


def _time(message: Timestamp) -> datetime:
    return message.ToDatetime(UTC)
