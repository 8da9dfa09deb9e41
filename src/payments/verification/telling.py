"""What payments tell: each payment once, who was given of it, and what is paid of each order."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar
from uuid import UUID

from google.protobuf.message import Message

from payments.ledger.telling import order_event
from payments.messages.payment import line_message
from payments.storage.lines import LedgerLine, payments_of_orders, read_lines
from payments.storage.orders import read_orders
from spojka.api.payments.v1 import events_pb2, payment_pb2
from spojka.outbox import Event
from spojka.topics import Topic
from spojka.verification.model import State, state_of, told
from spojka.verification.snapshot import Snapshot

BATCH: Final = 1_000
MessageT = TypeVar("MessageT", bound=Message)

_PAYMENTS: Final = "SELECT id FROM payment WHERE tenant_id = %s AND id > %s ORDER BY id LIMIT %s"
_GIVEN: Final = """
    SELECT id FROM payment WHERE tenant_id = %s AND id > %s
      AND EXISTS (SELECT FROM allocation WHERE allocation.tenant_id = payment.tenant_id
                    AND payment_id = payment.id AND order_id IS NOT NULL)
    ORDER BY id LIMIT %s
"""
_REVISIONS: Final = "SELECT id, revision FROM payment WHERE tenant_id = %s AND id = ANY(%s)"
_ORDERS: Final = """
    SELECT order_id FROM payable WHERE tenant_id = %s AND payment_revision > 0 AND order_id > %s
    ORDER BY order_id LIMIT %s
"""


class ReceivedTelling:
    """PaymentReceived: once for each payment."""

    what = "payment received"
    topic = Topic.PAYMENTS
    once = True
    exact = True

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, State] | None:
        """Take which payment it is."""
        message = _parsed(events_pb2.PaymentReceived, type_, value)
        return None if message is None else (f"{key}/received", state_of(0, b""))

    async def stated(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, State]]:
        """Every payment."""
        async for ids in snapshot.batches(_PAYMENTS, tenant, limit=BATCH):
            for id_ in ids:
                yield f"{tenant}/{id_}/received", state_of(0, b"")


class MatchedTelling:
    """PaymentMatched: the ledger as it was when an order was last given of a payment."""

    what = "payment matched"
    topic = Topic.PAYMENTS
    once = False
    exact = False

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, State] | None:
        """Take the payment's revision and lines."""
        message = _parsed(events_pb2.PaymentMatched, type_, value)
        if message is None:
            return None
        payment = message.payment
        return f"{key}/matched", state_of(payment.revision, _content(payment.allocations))

    async def stated(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, State]]:
        """Every payment of which an order was ever given."""
        async for ids in snapshot.batches(_GIVEN, tenant, limit=BATCH):
            revisions = dict(await snapshot.rows(_REVISIONS, [tenant, ids]))
            lines = await read_lines(snapshot.connection, tenant, ids)
            for id_ in ids:
                content = _content([line_message(each) for each in last_told(lines[id_])])
                yield f"{tenant}/{id_}/matched", state_of(revisions[id_], content)


class OrderPaidTelling:
    """OrderPaymentChanged: absolute, byte for byte as the ledger gives it."""

    what = "order paid"
    topic = Topic.PAYMENTS
    once = False
    exact = True

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, State] | None:
        """Take the whole message."""
        message = _parsed(events_pb2.OrderPaymentChanged, type_, value)
        if message is None:
            return None
        return f"{key}/paid", _order_state(message)

    async def stated(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, State]]:
        """Every order of which something was ever told."""
        async for event in OrderPaidRetelling().events(snapshot, tenant):
            message = events_pb2.OrderPaymentChanged.FromString(event.message or b"")
            yield f"{event.key}/paid", _order_state(message)


class OrderPaidRetelling:
    """OrderPaymentChanged, as the ledger gives it now."""

    topic = Topic.PAYMENTS

    async def events(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Event]:
        """Of every order of which something was ever told."""
        async for ids in snapshot.batches(_ORDERS, tenant, limit=BATCH):
            behind = await payments_of_orders(snapshot.connection, tenant, ids)
            for id_, row in (await read_orders(snapshot.connection, tenant, ids)).items():
                yield order_event(tenant, row, list(behind.get(id_, ())))


def last_told(lines: Sequence[LedgerLine]) -> list[LedgerLine]:
    """The lines, oldest first, up to those of the last decision by which an order was given.

    Which is older their numbers say, whatever the clocks of those who wrote them said.
    """
    by_decision: defaultdict[UUID, list[LedgerLine]] = defaultdict(list)
    for each in lines:
        by_decision[each.decision_id].append(each)
    last: list[LedgerLine] = []
    so_far: list[LedgerLine] = []
    for entries in by_decision.values():
        so_far += entries
        if any(each.line.order_id is not None and each.line.amount > 0 for each in entries):
            last = list(so_far)
    return last


def _content(lines: Sequence[payment_pb2.Allocation]) -> bytes:
    texts = sorted(line.SerializeToString(deterministic=True) for line in lines)
    return b"\0".join(texts)


def _order_state(message: events_pb2.OrderPaymentChanged) -> State:
    return state_of(message.revision, message.SerializeToString(deterministic=True))


def _parsed(kind: type[MessageT], type_: str, value: bytes | None) -> MessageT | None:
    return told(kind, value) if type_ == kind.DESCRIPTOR.full_name else None
