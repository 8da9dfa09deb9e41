"""Mails that are not the bank's, or not about the merchant's account, pay nothing and say why."""

from decimal import Decimal
from typing import Final

from sandbox.banks import Account, Movement, Transfer
from sandbox.banks.street import STRANGER_IP
from sandbox.demo.expectations import expect
from sandbox.demo.money import (
    BankAccount,
    order_by_transfer,
    rejected,
    still_unpaid,
    total,
    until_settled,
)
from sandbox.demo.stage import Stage
from spojka.api.mail.v1 import events_pb2
from spojka.api.orders.v1 import order_pb2

TITLE: Final = "Forged mails pay nothing"
VARIABLE_SYMBOL: Final = "26000107"
STRANGERS_ACCOUNT: Final = "SK5411000000002611111104"


async def tell(stage: Stage, account: BankAccount) -> None:
    """Try two forgeries on one order; then the bank's own mail pays it."""
    order = await order_by_transfer(stage, VARIABLE_SYMBOL)
    stage.narrator.say(
        f"Somebody has learned the address and would like the order over {order.total} CZK to be "
        "sent without paying for it."
    )
    movement = account.bank.book(account.number, Transfer(total(order), vs=VARIABLE_SYMBOL))
    await _from_elsewhere(stage, account, order, movement)
    await _about_another_account(stage, account, order)
    async with stage.narrator.step(
        "then the bank itself tells of the payment, and the order is paid"
    ):
        await account.bank.tell([movement])
        await until_settled(stage, order)


async def _from_elsewhere(
    stage: Stage, account: BankAccount, order: order_pb2.Order, movement: Movement
) -> None:
    narrator, address = stage.narrator, account.connection.address
    async with narrator.step(f"Fio's mail to the byte, but delivered from {STRANGER_IP}: rejected"):
        raw = account.bank.write([movement], address)
        mail = await rejected(stage, account, await account.bank.post(raw, address, STRANGER_IP))
        expect(mail.client_ip == STRANGER_IP, f"a mail from {STRANGER_IP}", mail.client_ip)
        await still_unpaid(stage, order)
    narrator.quote(mail.trust_reason)
    for line in mail.evidence:
        narrator.quote(f"  {line}")


async def _about_another_account(
    stage: Stage, account: BankAccount, order: order_pb2.Order
) -> None:
    narrator, bank = stage.narrator, stage.banks.tatra
    name = "genuine and signed by Tatra banka, but about the forger's own account: rejected"
    async with narrator.step(name):
        bank.open_account(
            Account(STRANGERS_ACCOUNT, "EUR", "Stranger", Decimal(10), [account.connection.address])
        )
        transfer = Transfer(
            total(order),
            counter_account="1100/000000-2922222207",
            counterparty="Stranger himself",
            vs=VARIABLE_SYMBOL,
        )
        _, posted = await bank.take(STRANGERS_ACCOUNT, transfer)
        mail = await rejected(stage, account, posted)
        good = "DKIM of tatrabanka.sk: pass"
        expect(any(good in line for line in mail.evidence), f"{good!r}", mail.evidence)
        expect(mail.trust == events_pb2.TRUST_REJECTED, "no trust", mail.trust)
        await still_unpaid(stage, order)
    narrator.quote(mail.trust_reason)
    narrator.quote(f"  {good}")
