"""Which orders payments may mean: found by keys, locked by nobody yet."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final
from uuid import UUID

from payments.matching.criteria import KNOWN_CUSTOMERS_MAX
from payments.matching.deciding import CANDIDATES_MAX
from payments.matching.keys import Key, near_symbols, payer_keys
from payments.matching.numbers import valid_symbol
from payments.matching.values import Incoming
from payments.messages.matching import incoming_of
from payments.storage.keys import find_bearers, find_orders
from payments.storage.pairs import ask_known_customers
from payments.storage.payments import PaymentRow
from spojka.asking import Answer
from spojka.database import Connection

SUGGESTED_OF_ONE_KEY_MAX: Final = 5
"""Orders that a slip of the payer's may have meant, for each way to slip."""

Customers = Mapping[str, frozenset[str]]
"""By account: whose orders were paid from it."""


async def ask_customers(
    connection: Connection, tenant: UUID, accounts: Collection[str]
) -> Answer[Customers]:
    """Whose orders were paid from these accounts before."""
    # One more than say anything, so that it shows where there are too many.
    return await ask_known_customers(connection, tenant, accounts, KNOWN_CUSTOMERS_MAX + 1)


def incoming_payments(payments: Iterable[PaymentRow], known: Customers) -> dict[UUID, Incoming]:
    """Payments as the matcher takes them, with what is known of their payers."""
    return {
        each.id: incoming_of(
            each.message,
            known_customers=known.get(each.counter_account, ()),
            never=[str(order_id) for order_id in each.standing.ruled_out],
        )
        for each in payments
    }


async def find_candidates(
    connection: Connection, tenant: UUID, keys: Mapping[UUID, Collection[Key]]
) -> dict[UUID, list[UUID]]:
    """The orders that payments may mean, by their keys; nothing is locked.

    Of each payment at most one more than it may name: beyond that it is
    ambiguous whatever else is found.
    """
    limit = CANDIDATES_MAX + 1
    wanted = {key for owned in keys.values() for key in owned}
    found = await find_orders(connection, tenant, wanted, limit)
    return {
        owner: sorted({order_id for key in owned for order_id in found.get(key, ())})[-limit:]
        for owner, owned in keys.items()
    }


async def find_suggested(
    connection: Connection, tenant: UUID, incoming: Mapping[UUID, Incoming]
) -> dict[UUID, set[UUID]]:
    """The orders that may be suggested for payments that no order got: nothing is locked.

    Those whose symbol or number is one slip away from the payment's symbol, and
    its payer's. The neighbours are made on the payment's side: some 220 look-ups
    for the few payments that found nothing, instead of eleven more rows for
    every order.
    """
    near = {key: near_symbols(valid_symbol(each.variable_symbol)) for key, each in incoming.items()}
    of_payer = {key: payer_keys(each) for key, each in incoming.items()}
    limit = SUGGESTED_OF_ONE_KEY_MAX
    bearers = await find_bearers(connection, tenant, set().union(*near.values()), limit)
    payers = await find_orders(connection, tenant, set().union(*of_payer.values()), limit)
    found: dict[UUID, set[UUID]] = {}
    for payment_id in incoming:
        found[payment_id] = {
            order_id for symbol in bearers.keys() & near[payment_id] for order_id in bearers[symbol]
        }
        for key in of_payer[payment_id]:
            found[payment_id].update(payers.get(key, ()))
    return found
