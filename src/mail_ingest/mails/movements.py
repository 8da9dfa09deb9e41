"""A movement that was read in a mail, as the contracts tell it."""

from collections.abc import Mapping
from typing import Final

from mail_ingest.banks.reading import Direction, Kind, Movement, SymbolSource
from spojka.api.common.v1 import money_pb2
from spojka.api.mail.v1 import events_pb2 as api
from spojka.values import format_decimal

KINDS: Final[Mapping[Kind, api.NotificationKind.ValueType]] = {
    Kind.INCOMING_PAYMENT: api.NOTIFICATION_KIND_INCOMING_PAYMENT,
    Kind.OUTGOING_PAYMENT: api.NOTIFICATION_KIND_OUTGOING_PAYMENT,
    Kind.CARD_PAYMENT: api.NOTIFICATION_KIND_CARD_PAYMENT,
    Kind.CARD_REFUND: api.NOTIFICATION_KIND_CARD_REFUND,
    Kind.CARD_SETTLEMENT: api.NOTIFICATION_KIND_CARD_SETTLEMENT,
    Kind.FEE: api.NOTIFICATION_KIND_FEE,
    Kind.REVERSAL: api.NOTIFICATION_KIND_REVERSAL,
}
"""Movements of money; holds, notices and announcements are none."""

_SOURCES: Final[Mapping[SymbolSource | None, api.SymbolSource.ValueType]] = {
    None: api.SYMBOL_SOURCE_UNSPECIFIED,
    SymbolSource.FIELD: api.SYMBOL_SOURCE_FIELD,
    SymbolSource.MESSAGE: api.SYMBOL_SOURCE_MESSAGE,
}


def payment_message(movement: Movement) -> api.NotifiedPayment:
    """A movement as the contracts tell it, whether payments are told of it or not."""
    message = api.NotifiedPayment(
        incoming=movement.direction is Direction.IN,
        amount=money_pb2.Money(currency=movement.currency, amount=format_decimal(movement.amount)),
        value_date=movement.date.isoformat(),
        own_account=movement.own_account or "",
        counter_account=movement.counter_account or "",
        counterparty_name=movement.counterparty_name or "",
        variable_symbol=movement.vs or "",
        constant_symbol=movement.ks or "",
        specific_symbol=movement.ss or "",
        message=movement.message or "",
        bank_reference=movement.bank_reference or "",
        kind=KINDS.get(movement.kind, api.NOTIFICATION_KIND_UNSPECIFIED),
        variable_symbol_source=_SOURCES[movement.vs_source if movement.vs else None],
        end_to_end=movement.end_to_end or "",
    )
    if movement.balance_after is not None:
        message.balance_after = format_decimal(movement.balance_after)
    if movement.original_amount is not None and movement.original_currency:
        message.original_amount.currency = movement.original_currency
        message.original_amount.amount = format_decimal(movement.original_amount)
    return message
