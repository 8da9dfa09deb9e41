"""A payment that may mean two orders waits, and lists them; a person decides."""

from typing import Final

from sandbox.demo.expectations import expect
from sandbox.demo.money import (
    BankAccount,
    order_by_transfer,
    quote_why,
    still_unpaid,
    total,
    until_settled,
    until_status,
)
from sandbox.demo.stage import Stage
from spojka.api.payments.v1 import payment_pb2

TITLE: Final = "An ambiguous payment waits for a person"
VARIABLE_SYMBOL: Final = "26000108"


async def tell(stage: Stage, account: BankAccount) -> None:
    """Give two orders one symbol and one amount, and pay once."""
    narrator = stage.narrator
    orders = [await order_by_transfer(stage, VARIABLE_SYMBOL) for _ in range(2)]
    numbers = [order.channel_order_id for order in orders]
    narrator.say(
        f"The e-shop gave the orders {' and '.join(numbers)} the same variable symbol, and both "
        f"are over {orders[0].total} CZK. One payment comes."
    )
    async with narrator.step("neither is paid; the payment names both and says why it took none"):
        movement, _ = await account.take(total(orders[0]), vs=VARIABLE_SYMBOL)
        payment = await until_status(stage, movement, payment_pb2.PAYMENT_STATUS_AMBIGUOUS)
        candidates = [each for run in payment.verdict.runs for each in run.candidates]
        found = {each.order_number for each in candidates}
        expect(found == set(numbers), f"the candidates {numbers}", found)
        expect(not any(each.taken for each in candidates), "none to be taken", candidates)
        for order in orders:
            await still_unpaid(stage, order)
    quote_why(stage, payment)
    async with narrator.step("a person gives it to the second; the first stays unpaid"):
        await stage.treasury.match(payment.id, orders[1].id)
        await until_settled(stage, orders[1])
        await still_unpaid(stage, orders[0])
