"""The banks' own books and Spojka's agree to the last cent."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sandbox.demo.expectations import expect
from sandbox.demo.money import BankAccount, money
from sandbox.demo.stage import Stage
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2
from spojka.values import ZERO, parse_decimal

TITLE: Final = "The books agree"


@dataclass(frozen=True, slots=True)
class Sums:
    """What came in through one account or all of them, and where it is."""

    count: int
    came_in: Decimal
    allocated: Decimal
    credited: Decimal
    unallocated: Decimal


async def tell(stage: Stage, accounts: Sequence[BankAccount]) -> None:
    """Compare every account with its bank's ledger, and every order with the payments' ledger."""
    narrator = stage.narrator
    narrator.say(
        "Each bank's ledger is asked what came in and went out, and Spojka what it knows of it "
        "and where it went."
    )
    by_order: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    rows: list[tuple[str, str]] = []
    for account in accounts:
        name = account.connection.name
        async with narrator.step(
            f"{name}: every movement is known once, and every cent has a place"
        ):
            found = await stage.treasury.payments(connection_id=account.connection.id)
            payments = [await stage.treasury.payment(each.id) for each in found]
            _same_movements(account, payments)
            sums = _summed([each for each in payments if each.incoming], by_order)
            placed = sums.allocated + sums.credited + sums.unallocated
            expect(placed == sums.came_in, f"{money(sums.came_in)} in all places", sums)
        rows += _rows(name, sums)
    async with narrator.step("every order has got exactly what the payments gave it"):
        for order_id, given in by_order.items():
            seen = await stage.eshop.till.look_up(order_pb2.Order(id=order_id))
            paid = parse_decimal(seen.amount_paid)
            expect(paid == given, f"{money(given)} for {seen.channel_order_id}", money(paid))
    narrator.table("Where the money is", rows)


def _same_movements(account: BankAccount, payments: Sequence[payment_pb2.Payment]) -> None:
    booked = sorted(each.amount for each in account.bank.ledger.movements(account.number))
    known = sorted(
        parse_decimal(each.amount.amount) * (1 if each.incoming else -1) for each in payments
    )
    expect(known == booked, f"the bank's movements {_texts(booked)}", _texts(known))


def _summed(payments: Sequence[payment_pb2.Payment], by_order: defaultdict[str, Decimal]) -> Sums:
    allocated = ZERO
    for payment in payments:
        for line in payment.allocations:
            if line.order_id:
                by_order[line.order_id] += parse_decimal(line.amount.amount)
                allocated += parse_decimal(line.amount.amount)
    return Sums(
        len(payments),
        sum((parse_decimal(each.amount.amount) for each in payments), ZERO),
        allocated,
        sum((parse_decimal(each.credited or "0") for each in payments), ZERO),
        sum((parse_decimal(each.unallocated or "0") for each in payments), ZERO),
    )


def _rows(name: str, sums: Sums) -> list[tuple[str, str]]:
    return [
        (f"{name}: came in", f"{money(sums.came_in)} in {sums.count} payments"),
        ("  given to orders", money(sums.allocated)),
        ("  customers' credit", money(sums.credited)),
        ("  not given yet", money(sums.unallocated)),
    ]


def _texts(amounts: Sequence[Decimal]) -> str:
    return ", ".join(str(amount) for amount in amounts)
