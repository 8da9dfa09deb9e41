"""What the order book took of payments and of the warehouse, with the revisions that it took."""

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from google.protobuf.message import DecodeError

from orders.domain.order import ImportState, Order, PaymentState
from orders.domain.payment import RANK, judged_state
from orders.storage.rows import ORDER_COLUMNS, order_of_row
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import events_pb2 as payment_events
from spojka.api.stock.v1 import events_pb2 as stock_events
from spojka.topics import Topic
from spojka.values import format_decimal, parse_decimal
from spojka.verification.model import Word, told
from spojka.verification.snapshot import Snapshot

GROUP: Final = "orders"
ORDER: Final = "order"

_ORDERS: Final = f"SELECT id, {ORDER_COLUMNS} FROM order_book WHERE tenant_id = %s"
_IMPORT_FIELDS: Final = ("state", "document_id", "document_number", "reason", "content_revision")
_UNTOLD: Final[Word] = (ImportState.LOCAL.name, "", "", "", "")
ImportEvent = (
    stock_events.OrderImported | stock_events.OrderImportBlocked | stock_events.OrderDelivered
)
_IMPORT_EVENTS: Final[dict[str, type[ImportEvent]]] = {
    each.DESCRIPTOR.full_name: each
    for each in (
        stock_events.OrderImported,
        stock_events.OrderImportBlocked,
        stock_events.OrderDelivered,
    )
}


class PaidTaking:
    """What is paid of each order, of OrderPaymentChanged.

    The amount is kept as it was said. Of the state the order book has its own
    judgement, by the order's total and by what was said. A word is the amount
    and its currency and the state that was said; of what is kept, the state, the
    total and whether the order is cancelled.
    """

    what = ORDER
    topic = Topic.PAYMENTS
    group = GROUP
    revision_field = "payment_revision"

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, int, Word] | None:
        """Take what payments say of an order."""
        kind = payment_events.OrderPaymentChanged
        if type_ != kind.DESCRIPTOR.full_name:
            return None
        message = told(kind, value)
        try:
            amount = format_decimal(parse_decimal(message.amount_paid.amount))
            state = PaymentState(message.payment_state).name if message.payment_state else ""
        except ArithmeticError as error:
            raise ValueError(f"an amount: {error}") from error
        return key, message.revision, (amount, message.amount_paid.currency, state)

    async def taken(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, int, Word]]:
        """Each order of the book."""
        async for order in _orders(snapshot, tenant):
            amount, total = format_decimal(order.amount_paid), format_decimal(order.content.total)
            cancelled = "cancelled" if order.cancelled else ""
            state = order.payment_state.name
            word = (amount, order.content.currency, state, total, cancelled)
            yield f"{tenant}/{order.id}", order.payment_revision, word

    def passes_over(self, kept: Word, said: Word) -> bool:
        """What was told in a currency that the order no longer has is told anew."""
        return said[1] != kept[1]

    def differing(self, kept: Word, said: Word | None) -> Iterator[tuple[str, str, str]]:
        """Compare the amount, and the state with what it may be by what was said."""
        amount, currency, state, total, cancelled = kept
        if said is None:
            if amount != "0":
                yield "amount_paid", f"{amount} {currency}", "nothing"
            return
        if amount != said[0]:
            yield "amount_paid", f"{amount} {currency}", f"{said[0]} {currency}"
        # After an amendment the order book counts by itself until it is told anew.
        words = (PaymentState[said[2]] if said[2] else None, None)
        possible = {judged_state(Decimal(said[0]), Decimal(total), each) for each in words}
        if cancelled:
            most = max(RANK[each] for each in possible)
            possible |= {each for each in PaymentState if RANK[each] <= most}
        if PaymentState[state] not in possible:
            names = " or ".join(sorted(each.name for each in possible))
            yield "payment_state", state, names


class ImportTaking:
    """Where each order's import stands, of the events of the topic of imports.

    Which content a document has counts where one stands alone.
    """

    what = ORDER
    topic = Topic.IMPORTS
    group = GROUP
    revision_field = "import.revision"

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, int, Word] | None:
        """Take the report of an order's import."""
        kind = _IMPORT_EVENTS.get(type_)
        if kind is None:
            return None
        # The field bears a keyword of Python.
        report: order_pb2.OrderImport = getattr(told(kind, value), "import")
        return key, report.revision, _import_word(report)

    async def taken(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, int, Word]]:
        """Each order of the book."""
        async for order in _orders(snapshot, tenant):
            yield f"{tenant}/{order.id}", order.imported.revision, _import_word(order.imported)

    def passes_over(self, kept: Word, said: Word) -> bool:
        """One that is on its way at the warehouse moved on untold: its outcome is told."""
        return said[0] == ImportState.SENT.name != kept[0]

    def differing(self, kept: Word, said: Word | None) -> Iterator[tuple[str, str, str]]:
        """Compare all that was said."""
        for name, stored, rebuilt in zip(_IMPORT_FIELDS, kept, said or _UNTOLD, strict=True):
            if stored != rebuilt:
                yield f"import.{name}", stored or "nothing", rebuilt or "nothing"


def _import_word(report: Any) -> Word:
    """Of a message or of the domain's value: both have the same fields."""
    state = ImportState(report.state)
    content = str(report.content_revision) if state is ImportState.ACKED else ""
    return state.name, report.document_id, report.document_number, report.reason, content


async def _orders(snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Order]:
    async for _, *row in snapshot.stream(_ORDERS, [tenant]):
        try:
            yield order_of_row(tuple(row))
        except (DecodeError, ValueError, ArithmeticError):
            continue  # Its books name it.
