"""`lst:listMovementRequest`: what moved, the cheap way to see that stock changed."""

from collections.abc import Iterator

from lxml import etree

from sandbox.pohoda import queries, reading
from sandbox.pohoda.context import Context, list_answer
from sandbox.pohoda.markup import element, leaf
from sandbox.pohoda.packs import ItemAnswer, PackItem
from sandbox.pohoda.queries import MovementFilter, Page
from sandbox.pohoda.reading import BadElementError
from sandbox.pohoda.records import ZERO, Agenda, Movement


def answer(context: Context, item: PackItem) -> ItemAnswer:
    """List the movements of all groups, each once."""
    rows: dict[int, str] = {}
    for page, wanted in _groups(item.agenda):
        for movement in queries.movements(context.company, wanted, page):
            rows.setdefault(movement.id, _movement(movement))
    return list_answer(context, "lst:listMovement", "".join(rows.values()))


def _groups(request: etree._Element) -> Iterator[tuple[Page, MovementFilter]]:
    for limit, wanted in reading.groups(request, "requestMovement"):
        yield reading.page(limit), _filter(wanted)


def _filter(request: etree._Element) -> MovementFilter:
    reading.refuse_foreign_filters(request)
    found = reading.child(request, "ftr:filter")
    if found is None:
        return MovementFilter()
    agenda = reading.text(found, "ftr:agenda")
    if agenda is not None and agenda not in set(Agenda):
        raise BadElementError("ftr:agenda", agenda, "Tuto agendu sandbox nevede.")
    stock = "ftr:stockItem/typ:stockItem"
    return MovementFilter(
        id=reading.integer(found, "ftr:id"),
        card_id=reading.integer(found, f"{stock}/typ:id"),
        code=reading.text(found, f"{stock}/typ:ids"),
        ean=reading.text(found, f"{stock}/typ:EAN"),
        name=reading.text(found, f"{stock}/typ:name"),
        branch=reading.reference(found, "ftr:stockItem/typ:storage"),
        date_from=reading.day(found, "ftr:dateFrom"),
        date_till=reading.day(found, "ftr:dateTill"),
        agenda=Agenda(agenda) if agenda else None,
    )


def _movement(movement: Movement) -> str:
    stock = (
        leaf("typ:id", movement.card_id)
        + leaf("typ:EAN", movement.ean)
        + leaf("typ:ids", movement.code)
        + leaf("typ:name", movement.name)
    )
    storage = leaf("typ:id", movement.branch_id) + leaf("typ:ids", movement.branch)
    header = (
        leaf("mov:id", movement.id)
        + leaf("mov:markRecord", "true")
        + leaf("mov:agenda", movement.agenda)
        + leaf("mov:stockType", movement.kind)
        + element(
            "mov:stockItem", element("typ:storage", storage) + element("typ:stockItem", stock)
        )
        + leaf("mov:unit", movement.unit)
        + leaf("mov:date", movement.on)
        + leaf("mov:movementType", "receipt" if movement.delta > ZERO else "expense")
        + leaf("mov:quantity", abs(movement.delta))
        + leaf("mov:count", movement.count)
        + leaf("mov:number", movement.number)
        + leaf("mov:regNumber", "")
    )
    return element("lst:movement", element("mov:movementHeader", header), version="2.0")
