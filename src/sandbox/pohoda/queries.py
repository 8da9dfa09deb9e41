"""Questions to the company: filters of cards, orders and movements, and pages of them.

All parts of one filter must hold; a part not given holds for everything.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import TypeVar

from sandbox.pohoda.lookup import find_store
from sandbox.pohoda.model import Company
from sandbox.pohoda.records import Agenda, Card, ExtId, Movement, Order
from sandbox.pohoda.table import Record, Table

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Page:
    """Records from an id on, at most `count`; `count` None means all."""

    id_from: int = 0
    count: int | None = None


@dataclass(frozen=True, slots=True)
class StoreReference:
    """A store, or a branch of its tree, by id or by name."""

    id: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class StockFilter:
    """`ftr:filterStocksType`."""

    id: int | None = None
    ext_id: ExtId | None = None
    code: str | None = None
    ean: str | None = None
    plu: int | None = None
    name: str | None = None
    branch: StoreReference | None = None
    store: StoreReference | None = None
    internet: bool | None = None
    changed_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """`ftr:filterDocsType`."""

    id: int | None = None
    ext_id: ExtId | None = None
    numbers: frozenset[str] | None = None
    companies: frozenset[str] | None = None
    icos: frozenset[str] | None = None
    date_from: date | None = None
    date_till: date | None = None
    changed_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class MovementFilter:
    """`ftr:filterMovementType`."""

    id: int | None = None
    card_id: int | None = None
    code: str | None = None
    ean: str | None = None
    name: str | None = None
    branch: StoreReference | None = None
    date_from: date | None = None
    date_till: date | None = None
    agenda: Agenda | None = None


def cards(company: Company, wanted: StockFilter, page: Page) -> Iterator[Card]:
    """Yield the cards of the page by growing id."""
    store_id = _store_id(company, wanted.store)
    path = _branch_path(company, wanted.branch)
    found = (
        card
        for card in _card_candidates(company, wanted, page)
        if card.id >= page.id_from
        and wanted.id in (None, card.id)
        and (wanted.ext_id is None or wanted.ext_id in card.ext_ids)
        and wanted.code in (None, card.code)
        and wanted.ean in (None, card.ean)
        and wanted.plu in (None, card.plu)
        and wanted.name in (None, card.name)
        and store_id in (None, card.store_id)
        and (path is None or _is_below(company.branches[card.branch_id].path, path))
        and wanted.internet in (None, card.is_internet)
        and (wanted.changed_since is None or card.changed_at >= wanted.changed_since)
    )
    return islice(found, page.count)


def _card_candidates(company: Company, wanted: StockFilter, page: Page) -> Iterable[Card]:
    """The narrowest set at hand; the filter is applied to it afterwards."""
    if wanted.id is not None:
        card = company.cards.get(wanted.id)
        return [card] if card else []
    if wanted.code is not None:
        return company.cards.find("code", wanted.code)
    if wanted.ean is not None:
        return company.cards.find("ean", wanted.ean)
    return company.cards.since(page.id_from)


def orders(company: Company, wanted: OrderFilter, page: Page) -> Iterator[Order]:
    """Yield the received orders of the page by growing id."""
    found = (
        order
        for order in company.orders.since(page.id_from)
        if wanted.id in (None, order.id)
        and wanted.ext_id in (None, order.header.ext_id)
        and (wanted.numbers is None or order.number in wanted.numbers)
        and (wanted.companies is None or order.header.partner.get("company") in wanted.companies)
        and (wanted.icos is None or order.header.partner.get("ico") in wanted.icos)
        and (wanted.date_from is None or order.header.issued_on >= wanted.date_from)
        and (wanted.date_till is None or order.header.issued_on <= wanted.date_till)
        and (wanted.changed_since is None or order.changed_at >= wanted.changed_since)
    )
    return islice(found, page.count)


def movements(company: Company, wanted: MovementFilter, page: Page) -> Iterator[Movement]:
    """Yield the movements of the page by growing id."""
    path = _branch_path(company, wanted.branch)
    found = (
        movement
        for movement in company.movements.since(page.id_from)
        if wanted.id in (None, movement.id)
        and wanted.card_id in (None, movement.card_id)
        and wanted.code in (None, movement.code)
        and wanted.ean in (None, movement.ean)
        and wanted.name in (None, movement.name)
        and (path is None or _is_below(movement.branch, path))
        and (wanted.date_from is None or movement.on >= wanted.date_from)
        and (wanted.date_till is None or movement.on <= wanted.date_till)
        and wanted.agenda in (None, movement.agenda)
    )
    return islice(found, page.count)


def _store_id(company: Company, reference: StoreReference | None) -> int | None:
    """The store's id; 0, which no card has, for a store that does not exist."""
    if reference is None:
        return None
    store = find_store(company, reference.id, reference.name)
    return store.id if store else 0


def _branch_path(company: Company, reference: StoreReference | None) -> str | None:
    """The branch's path; "?", which no branch has, for a branch that does not exist."""
    if reference is None:
        return None
    if reference.id is None:
        return (reference.name or "").strip("/")
    branch = company.branches.get(reference.id)
    return branch.path if branch else "?"


def _is_below(path: str, prefix: str) -> bool:
    """A branch is chosen with all its sub-branches."""
    return path == prefix or path.startswith(f"{prefix}/")


def page_of(table: Table[R], page: Page) -> Iterator[R]:
    """Yield the records of the page by growing id."""
    return islice(table.since(page.id_from), page.count)
