"""Another bank tells of several movements in one mail; one confirmation is for all of them."""

from decimal import Decimal
from typing import Final

from sandbox.banks import Account, Transfer
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
from spojka.api.mail.v1 import events_pb2
from spojka.api.payments.v1 import payment_pb2

TITLE: Final = "One mail tells of several movements"
NUMBER: Final = "3333333333"
BANK_CODE: Final = "0300"
BALANCE: Final = Decimal("1235067.89")
VARIABLE_SYMBOLS: Final = ("26000111", "26000112")
SPENT: Final = Transfer(Decimal("-500.00"), "9999999999/2250", "Dodavatel", vs="2600001")


async def tell(stage: Stage) -> BankAccount:
    """Connect the second account, and let one mail tell of three movements."""
    narrator, bank = stage.narrator, stage.banks.csob
    connection = await stage.treasury.connect("ČSOB", f"{NUMBER}/{BANK_CODE}", "CZK")
    bank.open_account(Account(NUMBER, "CZK", "Demo s.r.o.", BALANCE, [connection.address]))
    orders = [await order_by_transfer(stage, each) for each in VARIABLE_SYMBOLS]
    narrator.say(
        "The merchant's second account is at ČSOB, which writes one mail of all that was booked: "
        "two payments, and an invoice that the merchant paid."
    )
    async with narrator.step(
        "both payments wait, as the first of a new sender; money that went "
        "out is written down and no more"
    ):
        first, spent, second = (
            bank.book(NUMBER, Transfer(total(orders[0]), vs=VARIABLE_SYMBOLS[0])),
            bank.book(NUMBER, SPENT),
            bank.book(NUMBER, Transfer(total(orders[1]), vs=VARIABLE_SYMBOLS[1])),
        )
        (posted,) = await bank.tell([first, spent, second])
        payment = await until_status(stage, first, payment_pb2.PAYMENT_STATUS_UNCONFIRMED)
        await until_status(stage, second, payment_pb2.PAYMENT_STATUS_UNCONFIRMED)
        await until_status(stage, spent, payment_pb2.PAYMENT_STATUS_OUTGOING)
        expect(payment.trust == events_pb2.TRUST_TRUSTED, "a trusted mail", payment.trust)
        expect(b"DKIM-Signature" in posted.raw, "a signed mail", posted.raw[:80])
        for order in orders:
            await still_unpaid(stage, order)
    async with narrator.step("one confirmation is enough: both orders are paid"):
        await stage.treasury.confirm(payment.id)
        for order in orders:
            await until_settled(stage, order)
    return BankAccount(bank, NUMBER, connection)
