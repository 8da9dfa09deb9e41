"""Finding the card that an order line means."""

from dataclasses import dataclass

from sandbox.pohoda.model import Company
from sandbox.pohoda.records import Card, ExtId, Store


@dataclass(frozen=True, slots=True)
class StockReference:
    """How a line names its card (`typ:stockRefType`) and, if it does, the store."""

    id: int | None = None
    code: str | None = None
    ext_id: ExtId | None = None
    ean: str | None = None
    plu: int | None = None
    store_id: int | None = None
    store_name: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The one key that counts, as the element's name and its text: the rest is ignored."""
        keys = (
            ("typ:id", self.id),
            ("typ:ids", self.code),
            ("typ:extId", self.ext_id.ids if self.ext_id else None),
            ("typ:EAN", self.ean),
            ("typ:PLU", self.plu),
        )
        return next(((name, str(key)) for name, key in keys if key is not None), ("typ:ids", ""))


@dataclass(frozen=True, slots=True)
class NotFound:
    """What could not be found: the elements below `ord:stockItem`, and the value asked for."""

    path: str
    value: str
    is_ambiguous: bool = False


def find_store(company: Company, store_id: int | None, name: str | None) -> Store | None:
    """Return the store by id, which has priority, or by name."""
    if store_id is not None:
        return company.stores.get(store_id)
    return next(iter(company.stores.find("name", name)), None)


def find_card(company: Company, reference: StockReference, *, one_only: bool) -> Card | NotFound:
    """Find by id, else code, else external id, else EAN, else PLU; a store limits all but the id.

    Several cards may match where no store is given, or by EAN: the first one is taken, unless
    `one_only`.
    """
    element, value = reference.key
    if reference.id is not None:
        return company.cards.get(reference.id) or NotFound("typ:stockItem/typ:id", value)
    cards = _candidates(company, reference)
    if reference.store_id is not None or reference.store_name is not None:
        store = find_store(company, reference.store_id, reference.store_name)
        if store is None:
            named_by = "typ:id" if reference.store_id is not None else "typ:ids"
            asked = reference.store_id if reference.store_id is not None else reference.store_name
            return NotFound(f"typ:store/{named_by}", str(asked))
        cards = [card for card in cards if card.store_id == store.id]
    if not cards or (one_only and len(cards) > 1):
        return NotFound(f"typ:stockItem/{element}", value, is_ambiguous=bool(cards))
    return cards[0]


def _candidates(company: Company, reference: StockReference) -> list[Card]:
    if reference.code is not None:
        return company.cards.find("code", reference.code)
    if reference.ext_id is not None:
        return company.cards.find("ext_id", reference.ext_id)
    if reference.ean is not None:
        return company.cards.find("ean", reference.ean)
    return company.cards.find("plu", reference.plu)
