"""What a POHODA company keeps: stores, cards, received orders, movements, number series.

All records are values. A record is changed by putting a changed copy into its table, so that
there is one place that notices changes (`table.Table.put`).
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum

ZERO = Decimal(0)


class CardKind(StrEnum):
    """`stk:stockType`; only some kinds have a quantity."""

    CARD = "card"
    TEXT = "text"
    SERVICE = "service"
    PACKAGE = "package"
    SET = "set"
    PRODUCT = "product"

    @property
    def has_quantity(self) -> bool:
        """Text and service cards are never on hand, reserved or moved."""
        return self not in (CardKind.TEXT, CardKind.SERVICE)


class VatRate(StrEnum):
    """`typ:vatRateEnum`, without the historical rates."""

    NONE = "none"
    LOW = "low"
    HIGH = "high"
    THIRD = "third"

    @property
    def percent(self) -> Decimal:
        """The Czech rates of 2024 and later; the third rate exists in Slovakia only."""
        return _VAT_PERCENT[self]


_VAT_PERCENT = {
    VatRate.NONE: ZERO,
    VatRate.LOW: Decimal(12),
    VatRate.HIGH: Decimal(21),
    VatRate.THIRD: Decimal(5),
}


@dataclass(frozen=True, slots=True)
class ExtId:
    """A record's identity in somebody else's system."""

    ids: str
    system: str


@dataclass(frozen=True, slots=True)
class Store:
    """A store (sklad). A card lives in exactly one."""

    id: int
    name: str
    text: str
    allow_negative: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """A node of the store tree (členění); the first segment of its path is the store's name."""

    id: int
    path: str


@dataclass(frozen=True, slots=True)
class Card:
    """A stock card: one good in one store."""

    id: int
    store_id: int
    branch_id: int
    code: str
    name: str
    changed_at: datetime
    ean: str | None = None
    plu: int | None = None
    kind: CardKind = CardKind.CARD
    unit: str = "ks"
    is_internet: bool = True
    vat_rate: VatRate = VatRate.HIGH
    selling_price: Decimal = ZERO
    purchase_price: Decimal = ZERO
    ext_ids: tuple[ExtId, ...] = ()
    pictures: tuple[str, ...] = ()
    categories: tuple[int, ...] = ()
    price_levels: tuple[tuple[str, Decimal], ...] = ()
    opening: Decimal = ZERO
    """On hand before the first movement: count = opening + all movements."""
    reserved_elsewhere: Decimal = ZERO
    """The part of `reservation` held by documents other than received orders."""
    ordered_elsewhere: Decimal = ZERO
    """The part of `count_received_orders` that the received orders do not explain."""
    count: Decimal = ZERO
    reservation: Decimal = ZERO
    count_received_orders: Decimal = ZERO
    count_issued_orders: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an order; a text line has no card."""

    id: int
    text: str
    quantity: Decimal
    card_id: int | None = None
    code: str = ""
    unit: str = ""
    pays_vat: bool = False
    vat_rate: VatRate = VatRate.NONE
    discount_percent: Decimal = ZERO
    unit_price: Decimal = ZERO
    note: str = ""
    delivered: Decimal = ZERO

    @property
    def remaining(self) -> Decimal:
        """What is still to be delivered."""
        return max(self.quantity - self.delivered, ZERO)


@dataclass(frozen=True, slots=True)
class ForeignCurrency:
    """The currency of an order not kept in the home currency: `amount` units cost `rate`."""

    code: str
    rate: Decimal
    amount: int


@dataclass(frozen=True, slots=True)
class LinkedDocument:
    """A document made from the order; `agenda` is a value of `typ:agendaType`."""

    id: int
    agenda: str
    number: str


@dataclass(frozen=True, slots=True)
class OrderHeader:
    """What the importer said about the order, references resolved.

    Addresses are kept as they came: the local names of `typ:addressType` with their texts.
    """

    issued_on: date
    partner: dict[str, str]
    ship_to: dict[str, str] = field(default_factory=dict)
    ext_id: ExtId | None = None
    number_order: str = ""
    settle_from: date | None = None
    settle_by: date | None = None
    text: str = ""
    payment: str = ""
    payment_type: str | None = None
    carrier: str = ""
    note: str = ""
    int_note: str = ""
    rounding: str = "none"
    currency: ForeignCurrency | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A received order."""

    id: int
    number: str
    series_id: int
    header: OrderHeader
    lines: tuple[Line, ...]
    changed_at: datetime
    is_reserved: bool = False
    is_executed: bool = False
    cancelled_on: date | None = None
    documents: tuple[LinkedDocument, ...] = ()

    @property
    def is_open(self) -> bool:
        """Neither executed nor cancelled: what remains counts on the cards."""
        return not self.is_executed and self.cancelled_on is None

    @property
    def is_delivered(self) -> bool:
        """All its goods went out; an order of text lines alone, when all of these did."""
        goods = [line for line in self.lines if line.card_id is not None] or self.lines
        return all(line.remaining == ZERO for line in goods)

    @property
    def is_touched(self) -> bool:
        """Something was made of it, so it can no longer be deleted."""
        return bool(self.documents) or any(line.delivered for line in self.lines)


class Agenda(StrEnum):
    """The documents that move stock here: names in `typ:agendaMovementType`."""

    ISSUED_INVOICE = "issuedInvoice"
    ISSUE_SLIP = "issueSlip"
    RECEIPT = "receiptVoucher"


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of what is on hand. It keeps the card's names: the card may be deleted later."""

    id: int
    card_id: int
    store: str
    code: str
    ean: str | None
    name: str
    unit: str
    branch_id: int
    branch: str
    kind: CardKind
    on: date
    agenda: Agenda
    delta: Decimal
    count: Decimal
    """On hand after the movement."""
    number: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """A number series of received orders."""

    id: int
    prefix: str
    last: int


class Sequence(IntEnum):
    """The id sequences. A number once given is never given again, even after a deletion."""

    STORE = 1
    BRANCH = 2
    CARD = 3
    ORDER = 4
    LINE = 5
    MOVEMENT = 6
    DOCUMENT = 7
    IMPORT = 8


@dataclass(frozen=True, slots=True)
class Counter:
    """The last number that a sequence gave."""

    id: int
    last: int


@dataclass(frozen=True, slots=True)
class Import:
    """Memory of one imported document: which pack and item made it."""

    id: int
    pack_id: str
    item_id: str
    on: date
    order_id: int
    number: str
