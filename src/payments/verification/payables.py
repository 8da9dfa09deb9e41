"""Orders as payments know them: what is paid of each, and what that makes of it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from payments.ledger.paid import closed_since
from payments.matching.coverage import coverage
from payments.matching.keys import Key, order_keys
from payments.matching.values import Criterion, PaymentState
from payments.messages.matching import rules_of
from payments.rules.defaults import default_rules
from payments.storage.orders import OrderRow, read_orders
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.values import ZERO, format_decimal
from spojka.verification.model import Checked, Difference, Finding
from spojka.verification.snapshot import Snapshot

BATCH_ORDERS: Final = 1_000
ORDER: Final = "order"

_IDS: Final = """
    SELECT order_id FROM payable WHERE tenant_id = %s AND order_id > %s ORDER BY order_id LIMIT %s
"""
_SUMS: Final = """
    SELECT order_id, currency, sum(amount) FROM allocation
    WHERE tenant_id = %s AND order_id = ANY(%s) GROUP BY order_id, currency
"""
_KEYS: Final = """
    SELECT order_id, kind, key FROM payable_key WHERE tenant_id = %s AND order_id = ANY(%s)
"""
_STRAY_KEYS: Final = """
    SELECT order_id::text, kind || ' ' || key FROM payable_key
    WHERE tenant_id = %s AND NOT EXISTS (SELECT FROM payable
                                         WHERE payable.tenant_id = payable_key.tenant_id
                                           AND payable.order_id = payable_key.order_id)
"""
_RULES: Final = "SELECT value FROM matching_rules WHERE tenant_id = %s"


async def payables(snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
    """Compare each order with its ledger lines, and the keys by which payments find it."""
    async for id_, key in snapshot.stream(_STRAY_KEYS, [tenant]):
        nobody = "payments would find an order that is not there"
        yield Difference(ORDER, id_, "key", key, "nothing", nobody)
    tolerances = await _tolerances(snapshot, tenant)
    async for ids in snapshot.batches(_IDS, tenant, limit=BATCH_ORDERS):
        sums = {
            (order_id, currency): amount
            for order_id, currency, amount in await snapshot.rows(_SUMS, [tenant, ids])
        }
        keys = _grouped(await snapshot.rows(_KEYS, [tenant, ids]))
        for id_, order in (await read_orders(snapshot.connection, tenant, ids)).items():
            paid = sums.get((id_, order.payable.currency), ZERO)
            for found in _order(order, paid, tolerances[order.payable.currency]):
                yield found
            for found in _keys(order, keys[id_]):
                yield found
        yield Checked(ORDER, len(ids))


async def _tolerances(snapshot: Snapshot, tenant: UUID) -> defaultdict[str, set[Decimal]]:
    """All tolerances that ever held, by currency: a state stays until the order is looked at."""
    messages = [default_rules()]
    messages += [
        MatchingRules.FromString(value) for (value,) in await snapshot.rows(_RULES, [tenant])
    ]
    found: defaultdict[str, set[Decimal]] = defaultdict(lambda: {ZERO})
    for message in messages:
        for currency, tolerance in rules_of(message).tolerances.items():
            found[currency].add(tolerance)
    return found


def _grouped(rows: Sequence[Sequence[Any]]) -> defaultdict[UUID, set[Key]]:
    found: defaultdict[UUID, set[Key]] = defaultdict(set)
    for order_id, kind, key in rows:
        found[order_id].add((Criterion(kind), key))
    return found


def _order(order: OrderRow, paid: Decimal, tolerances: Collection[Decimal]) -> Iterator[Difference]:
    payable, id_ = order.payable, str(order.id)
    if payable.paid != paid:
        stored, rebuilt = format_decimal(payable.paid), format_decimal(paid)
        sums = "what is paid of the order is not the sum of its ledger lines"
        yield Difference(ORDER, id_, "paid", stored, rebuilt, sums)
    possible = {coverage(payable.total, payable.paid, each) for each in tolerances}
    if payable.state not in possible:
        names = " or ".join(sorted(state.name for state in possible))
        meaning = f"{payable.paid} of {payable.total} is paid"
        yield Difference(ORDER, id_, "payment_state", payable.state.name, names, meaning)
    closed = closed_since(payable, payable.order_time) is not None
    if closed != (payable.close_time is not None):
        stored, rebuilt = ("open", "closed") if closed else ("closed", "open")
        awaits = "payments would be matched with it, or kept from it, wrongly"
        yield Difference(ORDER, id_, "close_time", stored, rebuilt, awaits)
    if payable.state not in {PaymentState.UNPAID, coverage(payable.total, ZERO, ZERO)} and not (
        order.payment_revision
    ):
        untold = "the order book was never told what is paid of it"
        yield Difference(ORDER, id_, "payment_revision", "0", "above 0", untold)


def _keys(order: OrderRow, stored: set[Key]) -> Iterator[Difference]:
    wanted = order_keys(order.payable)
    for kind, key in sorted(wanted - stored):
        found = "payments that name the order so do not find it"
        yield Difference(ORDER, str(order.id), f"key {kind.name}", "nothing", key, found)
    for kind, key in sorted(stored - wanted):
        found = "payments that name another order find this one"
        yield Difference(ORDER, str(order.id), f"key {kind.name}", key, "nothing", found)
