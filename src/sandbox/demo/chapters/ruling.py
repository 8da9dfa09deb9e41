"""Another order of criteria is tried on what came, before anything is changed."""

from dataclasses import dataclass
from typing import Final

from sandbox.demo.expectations import expect
from sandbox.demo.money import (
    BankAccount,
    order_by_transfer,
    still_unpaid,
    total,
    until_settled,
    until_status,
)
from sandbox.demo.stage import Stage
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2

TITLE: Final = "Another order of criteria is tried first"
SYMBOL_TYPED: Final = "26000113"
SYMBOL_MEANT: Final = "26000114"


@dataclass(frozen=True, slots=True)
class Left:
    """An order that nobody has paid yet."""

    order: order_pb2.Order
    variable_symbol: str


async def tell(stage: Stage, account: BankAccount) -> Left:
    """Pay one order while naming another; ask what numbers before symbols would have done."""
    narrator, treasury = stage.narrator, stage.treasury
    typed = await order_by_transfer(stage, SYMBOL_TYPED)
    meant = await order_by_transfer(stage, SYMBOL_MEANT)
    narrator.say(
        f"A payment bears the variable symbol of the order {typed.channel_order_id}, and its "
        f"message says {meant.channel_order_id}; both owe the same. Symbols come first today."
    )
    async with narrator.step(f"it pays {typed.channel_order_id}, as the rules say"):
        movement, _ = await account.take(
            total(typed), vs=SYMBOL_TYPED, message=f"objednávka {meant.channel_order_id}"
        )
        await until_settled(stage, typed)
        payment = await until_status(stage, movement, payment_pb2.PAYMENT_STATUS_MATCHED)
    for flag in payment.flags:
        narrator.quote(flag)
    rules = await treasury.rules()
    numbers = (payment_pb2.CRITERION_INVOICE_NUMBER, payment_pb2.CRITERION_ORDER_NUMBER)
    others = [each for each in rules.criteria if each not in numbers]
    async with narrator.step("numbers before symbols would have decided this one otherwise"):
        answer = await treasury.try_criteria([*numbers, *others])
        differing = [each.payment_id for each in answer.differences]
        expect(differing == [payment.id], "this payment alone to differ", differing)
        (difference,) = answer.differences
        now = [each.order_number for each in difference.verdict_now.allotments]
        then = [each.order_number for each in difference.verdict_then.allotments]
        expect(now == [typed.channel_order_id], f"now {typed.channel_order_id}", now)
        expect(then == [meant.channel_order_id], f"then {meant.channel_order_id}", then)
    narrator.quote(f"{answer.tried} payments were tried, {len(differing)} would differ:")
    narrator.quote(f"  now:  {difference.verdict_now.summary}")
    narrator.quote(f"  then: {difference.verdict_then.summary}")
    async with narrator.step("it was a trial: the rules and both orders are as they were"):
        expect(await treasury.rules() == rules, "the same rules", "others")
        await until_settled(stage, typed)
        await still_unpaid(stage, meant)
    return Left(meant, SYMBOL_MEANT)
