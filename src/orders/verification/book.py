"""Orders: the stored message, the columns beside it, its states and its history."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from google.protobuf.message import DecodeError

from orders.domain.fulfilment import fulfilment_of
from orders.domain.order import Order, PaymentState
from orders.domain.payment import RANK, judged_state
from orders.messages.order import message_of
from orders.storage.rows import order_of_row, reference_columns
from spojka.api.orders.v1 import order_pb2
from spojka.verification.fields import differing_fields, shown
from spojka.verification.model import Checked, Difference, Finding
from spojka.verification.snapshot import Snapshot

BATCH_ORDERS: Final = 1_000
ORDER: Final = "order"

_COLUMNS: Final = (
    "number",
    "variable_symbol",
    "invoice_number",
    "invoice_variable_symbol",
    "gateway_reference",
    "payment_state",
    "fulfilment_state",
    "import_state",
)
_IDS: Final = """
    SELECT id FROM order_book WHERE tenant_id = %s AND id > %s ORDER BY id LIMIT %s
"""
_ROWS: Final = f"""
    SELECT id, value, payment_revision, deliveries, channel_id, channel_order_id,
           {", ".join(_COLUMNS)}
    FROM order_book WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id
"""
_HISTORY: Final = """
    SELECT order_id, count(*), min(revision), max(revision), max(time)
    FROM history WHERE tenant_id = %s AND order_id = ANY(%s) GROUP BY order_id
"""
_STRAY: Final = """
    SELECT order_id::text, max(revision)::text FROM history
    WHERE tenant_id = %s AND NOT EXISTS (SELECT FROM order_book
                                         WHERE order_book.tenant_id = history.tenant_id
                                           AND order_book.id = history.order_id)
    GROUP BY order_id
"""
_NO_CHANNEL: Final = """
    SELECT channel_id, count(*)::text FROM order_book
    WHERE tenant_id = %s AND NOT EXISTS (SELECT FROM channel
                                         WHERE channel.tenant_id = order_book.tenant_id
                                           AND channel.id = order_book.channel_id)
    GROUP BY channel_id
"""


@dataclass(frozen=True, slots=True)
class _Steps:
    """An order's history: how many rows, the first and last revision, the last time."""

    count: int = 0
    first: int = 0
    last: int = 0
    time: datetime | None = None


async def book(snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
    """Compare each order with what its own facts give."""
    async for id_, revision in snapshot.stream(_STRAY, [tenant]):
        lost = "an order that was accepted is not in the book any more"
        yield Difference(ORDER, id_, "id", "nothing", f"an order of revision {revision}", lost)
    async for id_, count in snapshot.stream(_NO_CHANNEL, [tenant]):
        orders = f"{count} orders are of it, and can't be changed without its rule"
        yield Difference("channel", id_, "id", "nothing", "a channel", orders)
    async for ids in snapshot.batches(_IDS, tenant, limit=BATCH_ORDERS):
        steps = {
            order_id: _Steps(*rest)
            for order_id, *rest in await snapshot.rows(_HISTORY, [tenant, ids])
        }
        for row in await snapshot.rows(_ROWS, [tenant, ids]):
            for found in _order(row, steps.get(row[0], _Steps())):
                yield found
        yield Checked(ORDER, len(ids))


def _order(row: Sequence[Any], steps: _Steps) -> Iterator[Difference]:
    id_, value, payment_revision, deliveries, channel_id, channel_order_id, *columns = row
    try:
        stored = order_pb2.Order.FromString(value)
        order = order_of_row((value, payment_revision, deliveries))
    except (DecodeError, ValueError, ArithmeticError) as error:
        unreadable = "the order can't be read"
        yield Difference(ORDER, str(id_), "value", shown(value), str(error), unreadable)
        return
    rebuilt = message_of(order)
    fields = list(differing_fields(stored, rebuilt))
    if not fields and rebuilt.SerializeToString() != value:
        fields = [("value", shown(value), shown(rebuilt.SerializeToString()))]
    other = "the stored message is not what the order's facts give"
    for name, one, another in fields:
        yield Difference(ORDER, str(id_), name, one, another, other)
    kept = dict(zip(_COLUMNS, columns, strict=True))
    kept |= {"id": id_, "channel_id": channel_id, "channel_order_id": channel_order_id}
    for name, drawn in _drawn(order).items():
        if kept[name] != drawn:
            column = "the order is found, or left out, by a column that is not as the order says"
            yield Difference(ORDER, str(id_), name, str(kept[name]), str(drawn), column)
    yield from _states(order)
    yield from _history(order, steps)


def _drawn(order: Order) -> Mapping[str, Any]:
    """The columns as they are drawn from the order."""
    return {
        "id": order.id,
        "channel_id": order.content.channel_id,
        "channel_order_id": order.content.channel_order_id,
        "number": order.content.number,
        **reference_columns(order.references),
        "payment_state": int(order.payment_state),
        "fulfilment_state": int(order.fulfilment_state),
        "import_state": int(order.imported.state),
    }


def _states(order: Order) -> Iterator[Difference]:
    possible = _payment_states(order)
    if order.payment_state not in possible:
        names = " or ".join(sorted(state.name for state in possible))
        meaning = f"{order.amount_paid} of {order.content.total} is paid"
        yield Difference(
            ORDER, str(order.id), "payment_state", order.payment_state.name, names, meaning
        )
    fulfilment = fulfilment_of(order.content.lines, order.deliveries)
    if not order.cancelled and order.fulfilment_state is not fulfilment:
        yield Difference(
            ORDER,
            str(order.id),
            "fulfilment_state",
            order.fulfilment_state.name,
            fulfilment.name,
            "it is not what was said of its deliveries",
        )


def _payment_states(order: Order) -> set[PaymentState]:
    """The states that the amounts allow.

    Of two things the money side's word counts (REFUNDED, and PAID within a
    tolerance), and a cancelled order never rises to what its amount says.
    """
    paid, total = order.amount_paid, order.content.total
    said = (None, PaymentState.PAID, PaymentState.REFUNDED)
    possible = {judged_state(paid, total, each) for each in said}
    if order.cancelled:
        most = max(RANK[state] for state in possible)
        possible |= {state for state in PaymentState if RANK[state] <= most}
    return possible


def _history(order: Order, steps: _Steps) -> Iterator[Difference]:
    stored = f"{steps.count} rows, from {steps.first} to {steps.last}"
    rebuilt = f"{order.revision} rows, from 1 to {order.revision}"
    if stored != rebuilt:
        missing = "a step of the order's history is missing, or one is told that was not taken"
        yield Difference(ORDER, str(order.id), "history", stored, rebuilt, missing)
    elif steps.time != order.update_time:
        late = "the last step of the history is not the order's last change"
        yield Difference(
            ORDER, str(order.id), "update_time", str(order.update_time), str(steps.time), late
        )
