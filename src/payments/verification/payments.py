"""Payments: their sums and states from their ledger lines, and every decision's effect in turn."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from payments.matching.values import PaymentSource, PaymentStatus
from payments.storage.lines import LedgerLine, read_decisions, read_lines
from payments.verification.replaying import replayed
from spojka.values import ZERO, format_decimal
from spojka.verification.model import Checked, Difference, Finding
from spojka.verification.snapshot import Snapshot

BATCH_PAYMENTS: Final = 1_000
PAYMENT: Final = "payment"
LINE: Final = "ledger line"

_IDS: Final = "SELECT id FROM payment WHERE tenant_id = %s AND id > %s ORDER BY id LIMIT %s"
_ROWS: Final = f"""
    SELECT id, incoming, amount, currency, allocated, credited, status, hold,
           source <> {int(PaymentSource.NOTIFICATION)} OR EXISTS (SELECT FROM payment_source
                   WHERE payment_source.tenant_id = payment.tenant_id
                     AND payment_source.payment_id = payment.id)
    FROM payment WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id
"""
_STRAY: Final = """
    SELECT 'ledger line', id::text, 'payment_id', payment_id::text, 'a payment' FROM allocation
    WHERE tenant_id = %(tenant)s
      AND NOT EXISTS (SELECT FROM payment WHERE payment.tenant_id = allocation.tenant_id
                                            AND payment.id = allocation.payment_id)
    UNION ALL
    SELECT 'ledger line', id::text, 'order_id', order_id::text, 'an order' FROM allocation
    WHERE tenant_id = %(tenant)s AND order_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM payable WHERE payable.tenant_id = allocation.tenant_id
                                            AND payable.order_id = allocation.order_id)
    UNION ALL
    SELECT 'decision', id::text, 'payment_id', payment_id::text, 'a payment' FROM decision
    WHERE tenant_id = %(tenant)s
      AND NOT EXISTS (SELECT FROM payment WHERE payment.tenant_id = decision.tenant_id
                                            AND payment.id = decision.payment_id)
    UNION ALL
    SELECT 'mail', mail_id || ' movement ' || movement, 'payment_id', payment_id::text, 'a payment'
    FROM payment_source WHERE tenant_id = %(tenant)s
      AND NOT EXISTS (SELECT FROM payment WHERE payment.tenant_id = payment_source.tenant_id
                                            AND payment.id = payment_source.payment_id)
"""
_PAYING: Final = frozenset({PaymentStatus.MATCHED, PaymentStatus.PARTIAL})


async def payments(snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
    """Compare each payment with what its lines and decisions give."""
    async for what, id_, field, stored, rebuilt in snapshot.stream(_STRAY, {"tenant": tenant}):
        yield Difference(what, id_, field, stored, rebuilt, "it is of something that is not there")
    async for ids in snapshot.batches(_IDS, tenant, limit=BATCH_PAYMENTS):
        lines = await read_lines(snapshot.connection, tenant, ids)
        decisions = await read_decisions(snapshot.connection, tenant, ids)
        for row in await snapshot.rows(_ROWS, [tenant, ids]):
            id_, own = row[0], lines.get(row[0], [])
            for found in _payment(row, own):
                yield found
            for found in replayed(id_, row[3], own, decisions.get(id_, [])):
                yield found
        yield Checked(PAYMENT, len(ids))
        yield Checked(LINE, sum(map(len, lines.values())))


def _payment(row: Sequence[object], lines: Sequence[LedgerLine]) -> Iterator[Difference]:
    id_, incoming, amount, _, allocated, credited, status, hold, told = row
    assert isinstance(amount, Decimal)
    assert isinstance(status, int)
    by_order = _by_order(lines)
    credit = by_order.pop(None, ZERO)
    given = sum(by_order.values(), ZERO)
    for name, stored, rebuilt in (("allocated", allocated, given), ("credited", credited, credit)):
        if stored != rebuilt:
            sums = "the payment's sum is not that of its ledger lines"
            yield _difference(id_, name, stored, rebuilt, sums)
    if given + credit > amount:
        more = "more of the payment is given away than came"
        yield _difference(id_, "amount", amount, given + credit, more)
    for order_id, part in by_order.items():
        if part < 0:
            less = f"more was taken back from order {order_id} than it was given"
            yield _difference(id_, "allocated", part, "0 or more", less)
    if given and (hold or not incoming):
        early = "the payment pays orders although it may not"
        yield _difference(id_, "hold" if hold else "incoming", hold or incoming, "none", early)
    possible = _statuses(amount, given, credit, orders=sum(part > 0 for part in by_order.values()))
    if PaymentStatus(status) not in possible:
        names = " or ".join(sorted(each.name for each in possible))
        state = f"{given} is given to orders, {credit} is credit, of {amount}"
        yield _difference(id_, "status", PaymentStatus(status).name, names, state)
    if not told:
        nobody = "no mail is known to have told of it"
        yield _difference(id_, "source", "none", "at least one mail", nobody)


def _by_order(lines: Sequence[LedgerLine]) -> dict[UUID | None, Decimal]:
    sums: defaultdict[UUID | None, Decimal] = defaultdict(lambda: ZERO)
    for each in lines:
        sums[each.line.order_id] += each.line.amount
    return dict(sums)


def _statuses(
    amount: Decimal, given: Decimal, credit: Decimal, *, orders: int
) -> frozenset[PaymentStatus]:
    """How a payment may be called by its money; which of them is the matcher's or a person's."""
    left = amount - given - credit
    if given > 0 and left > 0:
        # What is over may be tolerated where one order has all the rest.
        overpaid = frozenset({PaymentStatus.OVERPAID})
        return overpaid | _PAYING if orders == 1 else overpaid
    if given > 0:
        return _PAYING
    if left > 0:
        return frozenset(PaymentStatus) - _PAYING - {PaymentStatus.OVERPAID}
    return frozenset({PaymentStatus.MATCHED})


def _difference(
    id_: object, field: str, stored: object, rebuilt: object, meaning: str
) -> Difference:
    return Difference(PAYMENT, str(id_), field, _text(stored), _text(rebuilt), meaning)


def _text(value: object) -> str:
    return format_decimal(value) if isinstance(value, Decimal) else str(value)
