"""Stores, cards and movements: what a storekeeper does."""

from dataclasses import dataclass, replace
from decimal import Decimal

from sandbox.pohoda.model import Company, RefusedError, UnknownError
from sandbox.pohoda.records import (
    ZERO,
    Agenda,
    Branch,
    Card,
    CardKind,
    ExtId,
    Movement,
    Sequence,
    Store,
    VatRate,
)

STORE_NAME_CHARACTERS_MAX = 10
STORE_TEXT_CHARACTERS_MAX = 32


@dataclass(frozen=True, slots=True)
class CardEntry:
    """A card as a person enters it. The same store and code name the same card.

    `branch` is the path below the store; `count` of a card already there is reached by a
    correction, of a new card it is the opening state.
    """

    store: str
    code: str
    name: str
    count: Decimal = ZERO
    id: int | None = None
    branch: str = ""
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
    reserved_elsewhere: Decimal = ZERO
    ordered_elsewhere: Decimal = ZERO
    count_issued_orders: Decimal = ZERO


def put_store(
    company: Company, name: str, text: str = "", *, allow_negative: bool = False
) -> Store:
    """Add the store, or change the one of that name."""
    if not 0 < len(name) <= STORE_NAME_CHARACTERS_MAX:
        raise RefusedError(f"A store's name has 1 to {STORE_NAME_CHARACTERS_MAX} characters.")
    known = company.stores.find("name", name)
    store_id = known[0].id if known else company.next_id(Sequence.STORE)
    _branch(company, name)
    text = (text or name)[:STORE_TEXT_CHARACTERS_MAX]
    return company.stores.put(Store(store_id, name, text, allow_negative))


def put_card(company: Company, entry: CardEntry) -> Card:
    """Add or replace the card of that store and code; an unknown store is added."""
    if not entry.code:
        raise RefusedError("A card needs a code.")
    if entry.count and not entry.kind.has_quantity:
        raise RefusedError(f"A card of the kind {entry.kind} has no quantity.")
    stores = company.stores.find("name", entry.store)
    former = find_card(company, stores[0].id, entry.code) if stores else None
    card_id = _card_id(company, former, entry.id)
    store = stores[0] if stores else put_store(company, entry.store)
    path = f"{store.name}/{entry.branch}" if entry.branch else store.name
    has_count = former.count if former else entry.count
    card = Card(
        id=card_id,
        store_id=store.id,
        branch_id=_branch(company, path).id,
        code=entry.code,
        name=entry.name,
        ean=entry.ean or None,
        plu=entry.plu,
        kind=entry.kind,
        unit=entry.unit,
        is_internet=entry.is_internet,
        vat_rate=entry.vat_rate,
        selling_price=entry.selling_price,
        purchase_price=entry.purchase_price,
        ext_ids=entry.ext_ids,
        pictures=entry.pictures,
        categories=entry.categories,
        price_levels=entry.price_levels,
        opening=former.opening if former else entry.count,
        reserved_elsewhere=entry.reserved_elsewhere,
        ordered_elsewhere=entry.ordered_elsewhere,
        count=has_count,
        reservation=entry.reserved_elsewhere + _from_orders(former).reservation,
        count_received_orders=entry.ordered_elsewhere + _from_orders(former).orders,
        count_issued_orders=entry.count_issued_orders,
        changed_at=company.now(),
    )
    company.cards.put(card)
    if entry.count != has_count:
        move(company, card.id, entry.count - has_count, "correction", may_go_below_zero=True)
    return company.cards[card.id]


@dataclass(frozen=True, slots=True)
class _FromOrders:
    orders: Decimal = ZERO
    reservation: Decimal = ZERO


def _from_orders(card: Card | None) -> _FromOrders:
    """The part of the card's counters that received orders explain."""
    if card is None:
        return _FromOrders()
    return _FromOrders(
        orders=card.count_received_orders - card.ordered_elsewhere,
        reservation=card.reservation - card.reserved_elsewhere,
    )


def _card_id(company: Company, former: Card | None, wanted: int | None) -> int:
    if former is not None:
        if wanted not in (None, former.id):
            raise RefusedError(f"Card {former.code} already has the id {former.id}.")
        return former.id
    if wanted is None:
        return company.next_id(Sequence.CARD)
    if wanted < 1 or company.cards.get(wanted):
        raise RefusedError(
            f"The id {wanted} cannot be used: another card has it, or it is below 1."
        )
    company.keep_above(Sequence.CARD, wanted)
    return wanted


def delete_card(company: Company, card_id: int) -> None:
    """Remove the card; refused while an order names it."""
    if company.cards.get(card_id) is None:
        raise UnknownError(f"There is no card {card_id}.")
    if company.orders.find("card", card_id):
        raise RefusedError("The card stands on received orders; delete these first.")
    company.cards.drop(card_id)


def find_card(company: Company, store_id: int, code: str) -> Card | None:
    """Return the card with that code in that store."""
    cards = company.cards.find("code", code)
    return next((card for card in cards if card.store_id == store_id), None)


def move(
    company: Company,
    card_id: int,
    delta: Decimal,
    note: str = "",
    *,
    agenda: Agenda | None = None,
    number: str | None = None,
    may_go_below_zero: bool = False,
) -> Movement:
    """Change what is on hand. Below zero only where the store allows it, as in POHODA."""
    card = company.cards[card_id]
    store = company.stores[card.store_id]
    count = card.count + delta
    if delta == ZERO:
        raise RefusedError("A movement of nothing is not a movement.")
    if not card.kind.has_quantity:
        raise RefusedError(f"Card {card.code} is a {card.kind}: it has no quantity.")
    if count < ZERO and delta < ZERO and not (store.allow_negative or may_go_below_zero):
        raise RefusedError(f"Card {card.code} in {store.name} has {card.count} only.")
    agenda = agenda or (Agenda.RECEIPT if delta > ZERO else Agenda.ISSUE_SLIP)
    movement = Movement(
        id=company.next_id(Sequence.MOVEMENT),
        card_id=card.id,
        store=store.name,
        code=card.code,
        ean=card.ean,
        name=card.name,
        unit=card.unit,
        branch_id=card.branch_id,
        branch=company.branches[card.branch_id].path,
        kind=card.kind,
        on=company.clock().date(),
        agenda=agenda,
        delta=delta,
        count=count,
        number=number or document_number(company, agenda),
        note=note,
    )
    touch(company, replace(card, count=count))
    return company.movements.put(movement)


def touch(company: Company, card: Card) -> None:
    """Put a card whose counters moved; whether that is a change of the card is a setting."""
    bumped = company.now() if company.movement_bumps_last_changes else card.changed_at
    company.cards.put(replace(card, changed_at=bumped))


def document_number(company: Company, agenda: Agenda) -> str:
    """Number a new document of that agenda."""
    letters = {Agenda.ISSUED_INVOICE: "FV", Agenda.ISSUE_SLIP: "VY", Agenda.RECEIPT: "PR"}[agenda]
    year = company.clock().year % 100
    return f"{year:02}{letters}{company.next_id(Sequence.DOCUMENT):05}"


def _branch(company: Company, path: str) -> Branch:
    """Return the node of that path, made with its parents where it is new."""
    known = company.branches.find("path", path)
    if known:
        return known[0]
    parent, _, _ = path.rpartition("/")
    if parent:
        _branch(company, parent)
    return company.branches.put(Branch(company.next_id(Sequence.BRANCH), path))
