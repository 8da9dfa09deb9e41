"""The next payments pay their orders by themselves, at once."""

from typing import Final

from sandbox.banks.fio import Prose, Short
from sandbox.demo.money import (
    BankAccount,
    milliseconds_to_paid,
    only_payment,
    order_by_transfer,
    quote_why,
    total,
)
from sandbox.demo.stage import Stage

TITLE: Final = "The next mails pay their orders at once"
VARIABLE_SYMBOLS: Final = ("26000102", "26000103", "26000104", "26000105")


async def tell(stage: Stage, account: BankAccount) -> None:
    """Pay a few orders, by both forms of the bank's mails, and time each."""
    narrator = stage.narrator
    orders = [await order_by_transfer(stage, each) for each in VARIABLE_SYMBOLS]
    narrator.say(
        f"{len(orders)} customers have ordered. Fio tells of their payments in its short form, "
        "which has neither date nor currency, and in its long one."
    )
    took: list[float] = []
    async with narrator.step(f"each of {len(orders)} mails pays its own order"):
        for place, (order, symbol) in enumerate(zip(orders, VARIABLE_SYMBOLS, strict=True)):
            account.bank.form = Prose() if place % 2 else Short()
            movement, posted = await account.take(total(order), vs=symbol)
            took.append(await milliseconds_to_paid(stage, order, posted))
    account.bank.form = Short()
    narrator.say(
        "From the mail accepted to the order paid, as the e-shop sees it: "
        f"{', '.join(f'{each:.0f} ms' for each in took)}."
    )
    quote_why(stage, await only_payment(stage, movement))
