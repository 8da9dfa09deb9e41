"""`ord:order` with the action delete."""

from sandbox.pohoda import reading, sales
from sandbox.pohoda.context import Context
from sandbox.pohoda.markup import element, leaf
from sandbox.pohoda.model import RefusedError
from sandbox.pohoda.order_import import UNKNOWN_VALUE_ERRNO
from sandbox.pohoda.packs import Detail, ItemAnswer, PackItem, details
from sandbox.pohoda.reading import BadElementError
from sandbox.pohoda.records import Order

NUMBER_CHARACTERS_MAX = 10
_FILTER = "ord:actionType/ord:delete/ftr:filter"


def answer(context: Context, item: PackItem) -> ItemAnswer:
    """Delete the order named by id or number; refused once something was made of it."""
    found = reading.child(item.agenda, _FILTER)
    if found is None or found.get("agenda") != "prijate_objednavky":
        raise BadElementError(_FILTER, "", "Smazat lze jen z agendy prijate_objednavky.")
    order_id = reading.integer(found, "ftr:id")
    number = reading.text(found, "ftr:number", characters_max=NUMBER_CHARACTERS_MAX)
    if order_id is None and number is None:
        raise BadElementError(_FILTER, "", "Chybí id nebo number.")
    by, value = ("ftr:id", str(order_id)) if order_id is not None else ("ftr:number", number or "")
    order = _find(context, order_id, number)
    if order is None:
        xpath = f"{item.xpath}/{_FILTER}/{by}"
        return failed(Detail("Neznámá hodnota.", xpath, value, "", UNKNOWN_VALUE_ERRNO))
    try:
        sales.delete(context.company, order.id)
    except RefusedError as error:
        return failed(Detail(str(error), f"{item.xpath}/{_FILTER}/{by}", value))
    produced = (
        leaf("rdc:id", order.id)
        + leaf("rdc:number", order.number)
        + leaf("rdc:actionType", "delete")
    )
    body = element("rdc:producedDetails", produced)
    return ItemAnswer(
        is_ok=True, body=element("ord:orderResponse", body, version="2.0", state="ok")
    )


def _find(context: Context, order_id: int | None, number: str | None) -> Order | None:
    if order_id is not None:
        return context.company.orders.get(order_id)
    return next(iter(context.company.orders.find("number", number)), None)


def failed(detail: Detail) -> ItemAnswer:
    """Answer that nothing was done with an order, and why."""
    body = element("ord:orderResponse", details([detail]), version="2.0", state="error")
    return ItemAnswer(is_ok=False, body=body)
