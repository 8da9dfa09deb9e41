"""Trying other rules on the last days before they are set; nothing is written."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from payments.candidates import ask_customers, find_candidates, incoming_payments
from payments.matching.keys import Key, payment_keys
from payments.matching.values import Incoming, PaymentStatus, Rules
from payments.messages.matching import rules_of, verdict_message
from payments.rules.comparing import Difference, Side, Trial, compare
from payments.rules.storage import current_rules
from payments.storage.orders import OrderRow, read_orders
from payments.storage.payments import PaymentRow, read_payments
from spojka.api.payments.v1 import payment_service_pb2 as pb
from spojka.database import Connection, Database

DAYS_DEFAULT: Final = 30
DAYS_MAX: Final = 365
TRIED_MAX: Final = 5_000
"""Payments that one try decides about, the newest."""
DIFFERENCES_MAX: Final = 1_000
ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
"""Largest answer: as verdicts tell every order they looked at, a few can be long."""
CLOCKS_DIFFER: Final = timedelta(days=1)
"""More than the clocks of two machines ever differ by."""

_AUTOMATIC: Final = (
    PaymentStatus.UNMATCHED,
    PaymentStatus.AMBIGUOUS,
    PaymentStatus.MATCHED,
    PaymentStatus.PARTIAL,
    PaymentStatus.OVERPAID,
    PaymentStatus.DUPLICATE,
    PaymentStatus.LATE,
)


async def try_rules(
    database: Database, tenant: UUID, wanted: pb.MatchingRules, days: int, now: datetime
) -> pb.TryMatchingRulesResponse:
    """What `wanted` would decide otherwise than the rules that hold, newest payments first.

    Both are asked about the payments of the last `days` against the order book
    as it is, so that only the rules make a difference. Left out are payments
    that a person decided on or that wait for one, suggestions, and the brake of
    so many payments an hour. The database is only read, in one snapshot.
    """
    async with database.transaction(tenant) as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        ids = await _recent(connection, tenant, now - timedelta(days=days))
        rows = await read_payments(connection, tenant, ids[:TRIED_MAX])
        payments = sorted(rows.values(), key=lambda each: (each.receive_time, each.id))
        held = rules_of(await current_rules(connection, tenant))
        accounts = {each.counter_account for each in payments}
        customers = await (await ask_customers(connection, tenant, accounts))
        incoming = incoming_payments(payments, customers)
        before = await _side(connection, tenant, incoming, held)
        after = await _side(connection, tenant, incoming, rules_of(wanted))
        orders = await _orders(connection, tenant, payments, [before, after])
        incoming |= await _without_own_word(connection, tenant, payments, incoming)
    trials = [Trial(payment, incoming[payment.id]) for payment in payments]
    # On a thread: thousands of verdicts would stop all else that this process serves.
    differences = await asyncio.to_thread(compare, trials, orders, before, after, now)
    answer = pb.TryMatchingRulesResponse(tried=len(trials), truncated=len(ids) > TRIED_MAX)
    _tell(answer, differences[::-1], now)
    return answer


async def _recent(connection: Connection, tenant: UUID, since: datetime) -> list[UUID]:
    cursor = await connection.execute(
        """
        SELECT id FROM payment
        WHERE tenant_id = %s AND id >= %s AND receive_time >= %s AND incoming AND hold = 0
          AND decided_by = '' AND status = ANY(%s::smallint[])
        ORDER BY id DESC LIMIT %s
        """,
        [
            tenant,
            first_id(since - CLOCKS_DIFFER),
            since,
            [int(status) for status in _AUTOMATIC],
            TRIED_MAX + 1,
        ],
    )
    return [row[0] for row in await cursor.fetchall()]


def first_id(since: datetime) -> UUID:
    """No payment that was received since then has a lower id: one is known only once it came.

    Source: RFC 9562, section 5.7 (UUIDv7 begins with the milliseconds of its making).
    """
    return UUID(int=max(int(since.timestamp() * 1000), 0) << 80)


async def _side(
    connection: Connection, tenant: UUID, incoming: Mapping[UUID, Incoming], rules: Rules
) -> Side:
    keys = await asyncio.to_thread(_keys, incoming, rules)
    return Side(rules, await find_candidates(connection, tenant, keys))


def _keys(incoming: Mapping[UUID, Incoming], rules: Rules) -> dict[UUID, set[Key]]:
    return {payment_id: payment_keys(each, rules) for payment_id, each in incoming.items()}


async def _orders(
    connection: Connection, tenant: UUID, payments: Sequence[PaymentRow], sides: Sequence[Side]
) -> dict[UUID, OrderRow]:
    wanted = {key for side in sides for found in side.candidates.values() for key in found}
    wanted.update(key for payment in payments for key in payment.standing.given)
    return await read_orders(connection, tenant, wanted)


async def _without_own_word(
    connection: Connection,
    tenant: UUID,
    payments: Collection[PaymentRow],
    incoming: Mapping[UUID, Incoming],
) -> dict[UUID, Incoming]:
    """Payments whose payer is known by themselves alone, as they were before that was known."""
    own = {payment.id: _customers_paid(payment) for payment in payments}
    pairs = {
        (payment.counter_account, customer) for payment in payments for customer in own[payment.id]
    }
    cursor = await connection.execute(
        """
        SELECT counter_account, customer_key, times
        FROM unnest(%s::text[], %s::text[]) AS wanted (counter_account, customer_key)
        JOIN payer USING (counter_account, customer_key) WHERE tenant_id = %s
        """,
        [[account for account, _ in pairs], [customer for _, customer in pairs], tenant],
    )
    times = {(row[0], row[1]): row[2] for row in await cursor.fetchall()}
    changed = {}
    for payment in payments:
        alone = {
            customer
            for customer, paid in own[payment.id].items()
            if times.get((payment.counter_account, customer), 0) <= paid
        }
        if alone:
            each = incoming[payment.id]
            changed[payment.id] = replace(each, known_customers=each.known_customers - alone)
    return changed


def _customers_paid(payment: PaymentRow) -> Counter[str]:
    """For which customers the payment paid, and by how many ledger lines."""
    return Counter(
        line.customer_key
        for line in payment.standing.live
        if line.customer_key and payment.counter_account
    )


def _tell(
    answer: pb.TryMatchingRulesResponse, differences: Sequence[Difference], now: datetime
) -> None:
    size = 0
    for each in differences:
        currency = each.trial.incoming.amount.currency
        message = pb.VerdictDifference(
            payment_id=str(each.trial.payment.id),
            verdict_now=verdict_message(each.now, currency, now),
            verdict_then=verdict_message(each.then, currency, now),
        )
        size += message.ByteSize()
        if size > ANSWER_BYTES_MAX or len(answer.differences) == DIFFERENCES_MAX:
            answer.truncated = True
            return
        answer.differences.append(message)
