"""The port behind which every warehouse system stands.

A system is one module: a `WarehouseSystem` that describes itself and opens
`WarehouseClient`s. Each client method makes at most one request to the
partner, so that the caller can number it, put it in line with others and
interleave urgent ones with the pages of a long reading. The caller never has
two methods of one client under way at once.

What a client may raise is in `stock.warehouses.errors`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import BinaryIO, Protocol

from spojka.outbound import OutboundPolicy


class Meaning(StrEnum):
    """What a system's number of available units is taken to mean."""

    PHYSICAL = "physical"
    NET_OF_RESERVATIONS = "net_of_reservations"
    NET_OF_ORDERS = "net_of_orders"


class CardKind(StrEnum):
    """What a card stands for. Only goods have levels of their own."""

    GOODS = "goods"
    SERVICE = "service"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a set: how many units of which product number one set takes."""

    product_number: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Card:
    """One stock card of the warehouse system, in one warehouse.

    `ordered` is what open received orders want of it; `reserved` is what is
    reserved for them. Quantities are signed and in the card's unit.
    """

    card_id: str
    warehouse: str
    product_number: str
    ean: str | None
    name: str
    unit: str
    kind: CardKind
    on_hand: Decimal
    reserved: Decimal
    ordered: Decimal
    components: tuple[Component, ...] = ()

    def available(self, meaning: Meaning) -> Decimal:
        """The system's number of available units under a meaning; can be negative."""
        if meaning is Meaning.PHYSICAL:
            return self.on_hand
        if meaning is Meaning.NET_OF_RESERVATIONS:
            return self.on_hand - self.reserved
        return self.on_hand - self.ordered


@dataclass(frozen=True, slots=True)
class UnreadableCard:
    """A card in an answer that could not be read; the others are not affected."""

    card_id: str | None
    problem: str
    fragment: str


@dataclass(frozen=True, slots=True)
class CardPage:
    """One answer of a reading.

    `next_position` asks for the next page; None on the last one. `cursor` is
    what a later incremental reading starts from, once this whole reading has
    been applied; the last page has it, and the first where the system takes
    the state at the start of the reading.
    """

    cards: Sequence[Card]
    unreadable: Sequence[UnreadableCard] = ()
    next_position: str | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class CardKey:
    """Names a card for a targeted reading. Where `card_id` is known it is set."""

    warehouse: str
    product_number: str
    card_id: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What moved since the last probe: a hint, never a level."""

    cards: Sequence[CardKey]
    document_ids: Sequence[str]
    cursor: str
    # More has moved than the probe could name: read what changed instead.
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class WarehouseInfo:
    """One warehouse of the system."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """What the system says of itself when it is tested."""

    summary: str


@dataclass(frozen=True, slots=True)
class Party:
    """A person or company on an order, with the address."""

    name: str = ""
    company: str = ""
    street: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""
    company_id: str = ""
    tax_id: str = ""
    vat_id: str = ""
    email: str = ""
    phone: str = ""


class LineKind(StrEnum):
    """What a line of a document is."""

    GOODS = "goods"
    SHIPPING = "shipping"
    PAYMENT_FEE = "payment_fee"
    DISCOUNT = "discount"
    SERVICE = "service"


class PaymentMethod(StrEnum):
    """How the customer pays."""

    BANK_TRANSFER = "bank_transfer"
    GATEWAY = "gateway"
    CASH_ON_DELIVERY = "cash_on_delivery"
    MARKETPLACE = "marketplace"
    CASH = "cash"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line to import. Goods name their card by number or EAN in a warehouse.

    `warehouse` empty means the connection's default. `vat_rate` is in percent;
    None where the order does not say.
    """

    line_id: str
    kind: LineKind
    text: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    vat_rate: Decimal | None
    product_number: str = ""
    ean: str = ""
    warehouse: str = ""
    card_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderDocument:
    """A received order as it is to stand in the warehouse system.

    `external_id` is deterministic from the order and its content revision: the
    same document is always sent under the same id, another revision never is.
    """

    external_id: str
    number: str
    order_date: date
    currency: str
    prices_include_vat: bool
    billing: Party
    shipping: Party | None
    lines: tuple[OrderLine, ...]
    payment_method: PaymentMethod
    payment_method_name: str
    shipping_method: str
    note: str
    channel: str
    reserve: bool


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line of a document as the system has it now, in its order."""

    product_number: str | None
    warehouse: str | None
    quantity: Decimal
    delivered: Decimal


@dataclass(frozen=True, slots=True)
class Document:
    """A received order read back from the system.

    `linked` says that other documents (an invoice, an issue note) hang on it.
    `executed` says that the system regards it as settled: nothing more comes.
    """

    document_id: str
    number: str
    external_id: str | None
    reserved: bool
    executed: bool
    cancelled: bool
    linked: bool
    lines: tuple[DocumentLine, ...]


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The system's word that the document stands.

    `warnings` are what it changed or could not keep, in its own words.
    """

    document_id: str
    number: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it would go out, without secrets."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class SystemField:
    """One setting or credential that a system asks for."""

    name: str
    label: str
    help: str
    required: bool = False
    secret: bool = False
    default: str = ""


class WarehouseClient(Protocol):
    """One connection's way to its warehouse system."""

    async def test(self) -> SystemInfo:
        """Ask the system who it is; proves address, credentials and rights."""

    async def warehouses(self) -> Sequence[WarehouseInfo]:
        """List the system's warehouses."""

    async def read_full(self, position: str | None, warehouses: Sequence[str]) -> CardPage:
        """One page of all cards of the warehouses, from `position` (None: the beginning)."""

    async def read_changes(
        self, cursor: str, position: str | None, warehouses: Sequence[str]
    ) -> CardPage:
        """One page of the cards that changed since `cursor`; may return unchanged ones."""

    async def read_cards(self, keys: Sequence[CardKey]) -> Sequence[Card]:
        """The named cards; one that is not there is left out. At most `max_keys` of the system."""

    async def probe(self, cursor: str | None) -> Probe:
        """What moved since `cursor`; None only learns where to begin."""

    async def create_document(self, document: OrderDocument, *, resend: bool) -> Acknowledgement:
        """Create the document.

        `resend` says that an earlier request with the same external id may have
        arrived; the system's own check against doubles is then relied on, too.
        Raises OutcomeUnknown when it may or may not have been created.
        """

    async def find_document(self, external_id: str, number: str) -> Document | None:
        """Look a document up by its external id; None when there is none."""

    async def read_documents(self, document_ids: Sequence[str]) -> Sequence[Document]:
        """Read documents back by id; one that was deleted is left out."""

    async def delete_document(self, document_id: str) -> None:
        """Delete a document. One that is gone already is no error."""

    async def close(self) -> None:
        """Close connections."""


class WarehouseSystem(Protocol):
    """A warehouse system that can be connected: what a registration gives."""

    @property
    def id(self) -> str:
        """Such as "pohoda"."""

    @property
    def name(self) -> str:
        """The name people know it by."""

    @property
    def fields(self) -> Sequence[SystemField]:
        """The settings and credentials it asks for."""

    @property
    def default_meaning(self) -> Meaning:
        """What its number means unless the merchant says otherwise."""

    @property
    def max_keys(self) -> int:
        """Most cards or documents one targeted request may name."""

    @property
    def settle_seconds(self) -> float:
        """How long after a lost answer its request may still take effect; look-ups wait for it."""

    @property
    def time_zone(self) -> str:
        """The IANA zone in which its users keep books."""

    def open(
        self,
        settings: Mapping[str, str],
        credentials: Mapping[str, str],
        outbound: OutboundPolicy,
    ) -> WarehouseClient:
        """Make a client. Raises SettingsInvalid naming each setting that is wrong."""

    def inspect_stock(self, stream: BinaryIO) -> Iterator[Card]:
        """Read the cards of a response document, offline. Raises WarehouseError."""

    def inspect_requests(
        self, document: OrderDocument, settings: Mapping[str, str]
    ) -> Sequence[HttpRequest]:
        """What would be sent to import an order, without secrets. Raises SettingsInvalid."""
