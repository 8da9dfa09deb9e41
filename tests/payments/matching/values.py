"""Payments and orders for the matcher's tests."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from payments.matching.keys import SYMBOL_KINDS, Key, near_symbols, payer_keys
from payments.matching.numbers import valid_symbol
from payments.matching.values import (
    Criterion,
    Incoming,
    Payable,
    PaymentState,
    References,
    Rules,
    Verdict,
)
from spojka.values import Money

USUAL = (
    Criterion.INVOICE_VARIABLE_SYMBOL,
    Criterion.ORDER_VARIABLE_SYMBOL,
    Criterion.INVOICE_NUMBER,
    Criterion.ORDER_NUMBER,
    Criterion.GATEWAY_REFERENCE,
)
ALL = (*USUAL, Criterion.COUNTER_ACCOUNT, Criterion.MESSAGE_PATTERN)
PAID_ON = date(2026, 11, 20)
ORDERED = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)


def rules(*criteria: Criterion, **more: Any) -> Rules:
    return Rules(criteria or USUAL, **{"reuse_after_days": 180, **more})


def payment(amount: str = "1250", vs: str = "", message: str = "", **more: Any) -> Incoming:
    currency = more.pop("currency", "CZK")
    known = {"value_date": PAID_ON, "counter_account": "1111111111/0800", **more}
    return Incoming(Money(currency, Decimal(amount)), variable_symbol=vs, message=message, **known)


def order(
    name: str, total: str = "1250", vs: str = "", paid: str | None = None, **more: Any
) -> Payable:
    """An order whose number is its id; `paid` in full closes it."""
    names = {
        field: more.pop(field)
        for field in ("invoice_number", "invoice_variable_symbol", "gateway_reference")
        if field in more
    }
    known = {"currency": "CZK", "order_time": ORDERED, "number": name, **more}
    if paid is not None:
        known["paid"] = Decimal(paid)
        full = known["paid"] >= Decimal(total)
        known.setdefault("state", PaymentState.PAID if full else PaymentState.PARTIAL)
        known.setdefault("close_time", ORDERED if full else None)
    return Payable(
        id=f"id-{name}", total=Decimal(total), references=References(vs, **names), **known
    )


def given(verdict: Verdict) -> dict[str, str]:
    """What each order gets, by its number."""
    return {part.order_number: f"{part.amount:f}" for part in verdict.allotments}


def reasons(verdict: Verdict) -> str:
    """Every reason that the verdict gives."""
    return "\n".join(
        f"{candidate.order_number}: {candidate.reason}"
        for run in verdict.runs
        for candidate in run.candidates
    )


def suggested(verdict: Verdict) -> list[tuple[str, ...]]:
    """The numbers of the orders suggested."""
    return [suggestion.order_numbers for suggestion in verdict.suggestions]


def suggestion_keys(paid: Incoming) -> set[Key]:
    """The keys of orders that may be suggested although the payment does not name them."""
    near = near_symbols(valid_symbol(paid.variable_symbol))
    return payer_keys(paid) | {(kind, symbol) for kind in SYMBOL_KINDS for symbol in near}
