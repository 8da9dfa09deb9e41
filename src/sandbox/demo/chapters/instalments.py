"""A part and its rest add up; what is over becomes the customer's credit."""

from decimal import Decimal
from typing import Final

from sandbox.demo.expectations import expect
from sandbox.demo.money import (
    BankAccount,
    money,
    order_by_transfer,
    total,
    until_paid,
    until_settled,
    until_status,
)
from sandbox.demo.stage import Stage
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2
from spojka.values import parse_decimal

TITLE: Final = "A part, its rest, and too much"
IN_PARTS: Final = "26000109"
TOO_MUCH: Final = "26000110"
PART: Final = Decimal("100.10")
OVER: Final = Decimal("50.00")


async def tell(stage: Stage, account: BankAccount) -> None:
    """Pay one order in two parts, over-pay another."""
    narrator = stage.narrator
    order = await order_by_transfer(stage, IN_PARTS)
    rest = total(order) - PART
    async with narrator.step(f"{money(PART)} of {money(order.total)}: partly paid"):
        movement, _ = await account.take(PART, vs=IN_PARTS)
        await until_paid(stage, order, PART, order_pb2.PAYMENT_STATE_PARTIAL)
        payment = await until_status(stage, movement, payment_pb2.PAYMENT_STATUS_PARTIAL)
    narrator.quote(payment.verdict.summary)
    async with narrator.step(f"the rest, {money(rest)}, makes it paid"):
        movement, _ = await account.take(rest, vs=IN_PARTS)
        await until_settled(stage, order)
        payment = await until_status(stage, movement, payment_pb2.PAYMENT_STATUS_MATCHED)
    narrator.quote(payment.verdict.summary)
    order = await order_by_transfer(stage, TOO_MUCH)
    async with narrator.step(f"{money(OVER)} too much: the order gets what it owes, no more"):
        movement, _ = await account.take(total(order) + OVER, vs=TOO_MUCH)
        await until_settled(stage, order)
        payment = await until_status(stage, movement, payment_pb2.PAYMENT_STATUS_OVERPAID)
        left = parse_decimal(payment.unallocated)
        expect(left == OVER, f"{money(OVER)} to be left", left)
    narrator.quote(payment.verdict.summary)
    async with narrator.step("a person keeps what is over as the customer's credit"):
        payment = await stage.treasury.credit(payment.id)
        kept = (parse_decimal(payment.credited), parse_decimal(payment.unallocated))
        expect(kept == (OVER, Decimal(0)), f"{money(OVER)} of credit and nothing left", kept)
