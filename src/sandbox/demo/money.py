"""What the chapters about money have in common: orders that await a transfer, and the bank."""

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sandbox.banks import Bank, Movement, Posted, Transfer
from sandbox.demo.expectations import eventually, expect
from sandbox.demo.stage import Stage
from spojka.api.mail.v1 import mail_service_pb2 as mails
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import connection_service_pb2, payment_pb2
from spojka.cli.explanation import explanation
from spojka.values import parse_decimal

PLACED: Final = "Přijatá"
PAID: Final = "Uhrazená"
"""The merchant's own statuses."""
LOOK_SECONDS: Final = 0.02
"""Between two looks at an order whose way is timed: often enough, and no load of its own."""


@dataclass(frozen=True, slots=True)
class BankAccount:
    """One bank account of the merchant: at its bank, and as Spojka knows it."""

    bank: Bank
    number: str
    """As the bank's own mails print it."""
    connection: connection_service_pb2.BankConnection

    async def take(self, amount: Decimal, **fields: str) -> tuple[Movement, Posted]:
        """Let a customer's transfer arrive; the bank tells of it. `fields` are the transfer's."""
        return await self.bank.take(self.number, Transfer(amount, **fields))


def total(order: order_pb2.Order) -> Decimal:
    """What the customer is to pay."""
    return parse_decimal(order.total)


def money(amount: Decimal | str, currency: str = "CZK") -> str:
    """An amount for people."""
    return f"{Decimal(amount):,.2f} {currency}".replace(",", " ")


async def order_by_transfer(stage: Stage, variable_symbol: str) -> order_pb2.Order:
    """Let a customer of the e-shop order a piece that is to be paid by transfer."""
    return await stage.eshop.till.sell({stage.sold.code: 1}, variable_symbol=variable_symbol)


async def only_payment(stage: Stage, movement: Movement) -> payment_pb2.Payment:
    """Wait for the one payment that a movement became. Raises Unexpected."""
    found = await eventually(
        lambda: _payments_of(stage, movement),
        bool,
        f"a payment of {money(movement.amount, movement.currency)}",
    )
    expect(len(found) == 1, "one payment of one movement", found)
    return await stage.treasury.payment(found[0].id)


async def until_status(
    stage: Stage, movement: Movement, status: "payment_pb2.PaymentStatus.ValueType"
) -> payment_pb2.Payment:
    """Wait until the payment of a movement has a status. Raises Unexpected."""
    payment = await only_payment(stage, movement)
    return await eventually(
        lambda: stage.treasury.payment(payment.id),
        lambda seen: seen.status == status,
        f"the payment to be {payment_pb2.PaymentStatus.Name(status)}",
    )


async def until_paid(
    stage: Stage, order: order_pb2.Order, paid: Decimal, state: "order_pb2.PaymentState.ValueType"
) -> order_pb2.Order:
    """Wait until so much of an order is paid, which makes its state this one. Raises Unexpected."""

    async def look() -> tuple[Decimal, str]:
        seen = await stage.eshop.till.look_up(order)
        return parse_decimal(seen.amount_paid), order_pb2.PaymentState.Name(seen.payment_state)

    wanted = (paid, order_pb2.PaymentState.Name(state))
    await eventually(look, wanted.__eq__, f"{wanted[1]} with {paid}", every_seconds=LOOK_SECONDS)
    return await stage.eshop.till.look_up(order)


async def until_settled(stage: Stage, order: order_pb2.Order) -> None:
    """Wait until an order is paid exactly and has the merchant's status. Raises Unexpected."""
    seen = await until_paid(stage, order, total(order), order_pb2.PAYMENT_STATE_PAID)
    expect(seen.status == PAID, f"the status {PAID!r}", seen.status)


async def still_unpaid(stage: Stage, order: order_pb2.Order) -> None:
    """Raise Unexpected where an order has got anything."""
    seen = await stage.eshop.till.look_up(order)
    expect(
        seen.payment_state == order_pb2.PAYMENT_STATE_UNPAID and seen.status == PLACED,
        f"the order {order.channel_order_id} to be unpaid and {PLACED}",
        seen,
    )


async def milliseconds_to_paid(stage: Stage, order: order_pb2.Order, posted: Posted) -> float:
    """From the mail's acceptance to the order paid, as the e-shop sees it. Raises Unexpected."""
    await until_settled(stage, order)
    return (time.monotonic() - posted.accepted.at) * 1000


async def rejected(stage: Stage, account: BankAccount, posted: Posted) -> mails.Mail:
    """Wait until the mail just delivered is quarantined. Raises Unexpected."""
    message_id = _message_id(posted.raw)

    async def look() -> list[mails.Mail]:
        found = await stage.treasury.mails(account.connection.id)
        return [mail for mail in found if message_id in mail.message_id]

    (mail,) = await eventually(
        look,
        lambda found: [each.state for each in found] == [mails.MAIL_STATE_QUARANTINED],
        "the mail to be quarantined",
    )
    return await stage.treasury.mail(mail.id)


def quote_why(stage: Stage, payment: payment_pb2.Payment) -> None:
    """Print what `spojka payment why` says."""
    for line in explanation(payment):
        stage.narrator.quote(line)


async def _payments_of(stage: Stage, movement: Movement) -> list[payment_pb2.Payment]:
    found = await stage.treasury.payments(variable_symbol=movement.transfer.vs)
    return [
        payment
        for payment in found
        if parse_decimal(payment.amount.amount) == abs(movement.amount)
        and payment.incoming == (movement.amount > 0)
    ]


def _message_id(raw: bytes) -> str:
    _, _, rest = raw.partition(b"\nMessage-ID: <")
    return rest.partition(b">")[0].decode()
