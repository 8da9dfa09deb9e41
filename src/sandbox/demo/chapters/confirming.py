"""The first payment of a bank waits for one confirmation; then its order is paid."""

from typing import Final

from sandbox.demo.expectations import expect
from sandbox.demo.money import (
    PAID,
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

TITLE: Final = "The first mail waits for one confirmation"
VARIABLE_SYMBOL: Final = "26000101"


async def tell(stage: Stage, account: BankAccount) -> None:
    """Order, pay, see it wait, confirm, see it paid."""
    narrator = stage.narrator
    order = await order_by_transfer(stage, VARIABLE_SYMBOL)
    narrator.say(
        f"A customer orders for {order.total} CZK and pays by transfer with the variable symbol "
        f"{VARIABLE_SYMBOL}. Fio writes its first mail to the new address."
    )
    async with narrator.step("the mail is proven to be Fio's, and yet its payment waits"):
        movement, _ = await account.take(total(order), vs=VARIABLE_SYMBOL)
        payment = await until_status(stage, movement, payment_pb2.PAYMENT_STATUS_UNCONFIRMED)
        (mail_id,) = payment.mail_ids
        mail = await stage.treasury.mail(mail_id)
        expect("SPF passes" in mail.trust_reason, "SPF to prove it", mail.trust_reason)
        await still_unpaid(stage, order)
    narrator.quote(mail.trust_reason)
    narrator.quote(payment.verdict.summary)
    async with narrator.step(f"confirmed once, it pays its order, whose status is {PAID!r}"):
        await stage.treasury.confirm(payment.id)
        await until_settled(stage, order)
    quote_why(stage, await until_status(stage, movement, payment_pb2.PAYMENT_STATUS_MATCHED))
