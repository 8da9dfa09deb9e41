"""A mail that comes twice, and a movement that is told twice, are money once."""

from typing import Final

from sandbox.banks import Effect, Fault, Transfer
from sandbox.demo.expectations import eventually, expect
from sandbox.demo.money import (
    BankAccount,
    only_payment,
    order_by_transfer,
    total,
    until_settled,
)
from sandbox.demo.stage import Stage
from spojka.api.payments.v1 import payment_pb2

TITLE: Final = "What is told twice is paid once"
VARIABLE_SYMBOL: Final = "26000106"


async def tell(stage: Stage, account: BankAccount) -> None:
    """Deliver the same bytes twice, then write of the same movement again."""
    narrator, bank = stage.narrator, account.bank
    order = await order_by_transfer(stage, VARIABLE_SYMBOL)
    mails_before = len(await stage.treasury.mails(account.connection.id))
    async with narrator.step("the bank delivers one mail twice: it is stored once and pays once"):
        bank.faults.add(Fault(Effect.TWICE))
        movement = bank.book(account.number, Transfer(total(order), vs=VARIABLE_SYMBOL))
        copies = await bank.tell([movement])
        expect(len({copy.raw for copy in copies}) == 1, "the same bytes twice", len(copies))
        await until_settled(stage, order)
        mails = len(await stage.treasury.mails(account.connection.id)) - mails_before
        expect(mails == 1, "one mail of two deliveries", mails)
    async with narrator.step(
        "it writes of the same movement again: one payment, told by two mails"
    ):
        await bank.tell([movement])
        payment = await only_payment(stage, movement)
        payment = await eventually(
            lambda: stage.treasury.payment(payment.id),
            lambda seen: len(seen.mail_ids) == 2,  # noqa: PLR2004 - the first mail and the second
            "the payment to name both mails",
        )
        expect(
            payment.status == payment_pb2.PAYMENT_STATUS_MATCHED and payment.unallocated == "0",
            "a payment given wholly to its order",
            payment,
        )
        await until_settled(stage, order)
        await only_payment(stage, movement)
