"""What a bank's mail told of one movement, read from PaymentNotified."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from payments.storage.origin import Origin
from payments.storage.sources import Told
from spojka.api.mail.v1 import events_pb2
from spojka.api.payments.v1 import payment_pb2
from spojka.values import ZERO, format_decimal, parse_decimal, symbol_key


@dataclass(frozen=True, slots=True)
class Notice:
    """One movement as one mail told it.

    `movement` is a Payment without what becomes of it, and without an id.
    `likeness` is a hash of what two mails about one movement have in common:
    all that the bank's fields say but the bank's reference and the balance.
    """

    told: Told
    connection_id: UUID
    movement: payment_pb2.Payment
    amount: Decimal
    likeness: bytes
    balance: str
    trust_reason: str
    action: events_pb2.NotificationAction.ValueType
    origin: Origin
    automatic_limit: Decimal | None
    """The most it may be to pay an order by itself; None: any amount."""
    automatic_per_hour: int
    receive_time: datetime

    @property
    def trusted(self) -> bool:
        """Whether the mail is proven to be the bank's."""
        return self.movement.trust == events_pb2.TRUST_TRUSTED

    @property
    def recorded_only(self) -> bool:
        """Whether it is only written down: money that went out, fees, and what the mail says so."""
        record_only = self.action == events_pb2.NOTIFICATION_ACTION_RECORD_ONLY
        return record_only or not self.movement.incoming

    @property
    def reversal(self) -> bool:
        """Whether the bank took an earlier movement back."""
        return self.movement.kind == events_pb2.NOTIFICATION_KIND_REVERSAL


def notice_of(message: events_pb2.PaymentNotified) -> Notice:
    """Read a notification. Raises ValueError naming what is wrong."""
    told = message.payment
    amount = parse_decimal(told.amount.amount)
    if amount <= 0:
        raise ValueError(f"payment.amount: a movement of {told.amount.amount}")
    if not told.amount.currency:
        raise ValueError("payment.amount.currency: is missing")
    date.fromisoformat(told.value_date)
    limit = message.automatic_limit
    balance = format_decimal(parse_decimal(told.balance_after)) if told.balance_after else ""
    movement = _movement(message)
    return Notice(
        told=(UUID(message.mail_id), message.movement),
        connection_id=UUID(message.bank_connection_id),
        movement=movement,
        amount=amount,
        likeness=likeness_of(movement),
        balance=balance,
        trust_reason=message.trust_reason,
        action=message.action,
        origin=Origin(
            UUID(message.address_id) if message.address_id else None,
            message.bank,
            message.sender_domain,
        ),
        automatic_limit=parse_decimal(limit) if limit else None,
        automatic_per_hour=message.automatic_per_hour,
        receive_time=message.receive_time.ToDatetime(UTC),
    )


def likeness_of(movement: payment_pb2.Payment) -> bytes:
    """The hash of own account, direction, amount, currency, date, counter account, VS, message."""
    facts = [
        _account(movement.own_account),
        movement.incoming,
        format_decimal(parse_decimal(movement.amount.amount)),
        movement.amount.currency,
        movement.value_date,
        _account(movement.counter_account),
        symbol_key(movement.variable_symbol),
        " ".join(movement.message.split()).casefold(),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).digest()


def _account(text: str) -> str:
    return "".join(text.split()).upper()


def _movement(message: events_pb2.PaymentNotified) -> payment_pb2.Payment:
    told = message.payment
    movement = payment_pb2.Payment(
        source=payment_pb2.PAYMENT_SOURCE_NOTIFICATION,
        connection_id=message.bank_connection_id,
        incoming=told.incoming,
        amount=told.amount,
        value_date=told.value_date,
        own_account=told.own_account,
        counter_account=told.counter_account,
        counterparty_name=told.counterparty_name,
        variable_symbol=symbol_key(told.variable_symbol),
        constant_symbol=told.constant_symbol,
        specific_symbol=told.specific_symbol,
        reference=told.bank_reference,
        message=told.message,
        trust=message.trust,
        receive_time=message.receive_time,
        kind=told.kind,
        variable_symbol_source=told.variable_symbol_source,
        end_to_end=told.end_to_end,
    )
    if told.HasField("original_amount"):
        if parse_decimal(told.original_amount.amount) <= ZERO:
            raise ValueError("payment.original_amount: must be above zero")
        movement.original_amount.CopyFrom(told.original_amount)
    return movement
