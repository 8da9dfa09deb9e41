"""Reading values out of a request, with an error that names the element."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from lxml import etree

from sandbox.pohoda.markup import NAMESPACES
from sandbox.pohoda.queries import Page, StoreReference
from sandbox.pohoda.records import ExtId


class BadElementError(Exception):
    """An element breaks the schema: `path` is relative to the item's agenda element."""

    def __init__(self, path: str, value: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.value = value


def child(parent: etree._Element, path: str) -> etree._Element | None:
    """Return the first element at the path of prefixed names."""
    return parent.find(path, NAMESPACES)


def children(parent: etree._Element, path: str) -> list[etree._Element]:
    """Return all elements at the path of prefixed names."""
    return parent.findall(path, NAMESPACES)


def text(parent: etree._Element, path: str, *, characters_max: int | None = None) -> str | None:
    """Return the element's text, None where there is no such element."""
    found = child(parent, path)
    if found is None:
        return None
    value = found.text or ""
    if characters_max is not None and len(value) > characters_max:
        raise BadElementError(path, value, f"Hodnota je delší než {characters_max} znaků.")
    return value


def integer(parent: etree._Element, path: str) -> int | None:
    """Return the element's whole number."""
    value = text(parent, path)
    if value is None:
        return None
    try:
        return int(value)
    except ValueError:
        raise BadElementError(path, value, "Hodnota není celé číslo.") from None


def decimal(parent: etree._Element, path: str) -> Decimal | None:
    """Return the element's number."""
    value = text(parent, path)
    if value is None:
        return None
    try:
        result = Decimal(value.strip())
    except InvalidOperation:
        result = Decimal("NaN")
    if not result.is_finite():
        raise BadElementError(path, value, "Hodnota není číslo.")
    return result


def boolean(parent: etree._Element, path: str) -> bool | None:
    """Return the element's truth; `typ:boolean` knows the two words only, not 1 and 0."""
    value = text(parent, path)
    if value is None:
        return None
    if value not in ("true", "false"):
        raise BadElementError(path, value, "Hodnota není true ani false.")
    return value == "true"


def day(parent: etree._Element, path: str) -> date | None:
    """Return the element's date."""
    value = text(parent, path)
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise BadElementError(path, value, "Hodnota není datum.") from None


def moment(parent: etree._Element, path: str) -> datetime | None:
    """Return the element's local time in whole seconds; an offset is ignored."""
    value = text(parent, path)
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None, microsecond=0)
    except ValueError:
        raise BadElementError(path, value, "Hodnota není datum a čas.") from None


def ext_id(parent: etree._Element, path: str) -> ExtId | None:
    """Return the external id; both of its parts are required."""
    found = child(parent, path)
    if found is None:
        return None
    ids = text(found, "typ:ids", characters_max=64)
    system = text(found, "typ:exSystemName", characters_max=64)
    if ids is None or system is None:
        raise BadElementError(path, "", "Chybí ids nebo exSystemName.")
    return ExtId(ids, system)


def reference(parent: etree._Element, path: str) -> StoreReference | None:
    """Return a reference by id or name."""
    found = child(parent, path)
    if found is None:
        return None
    return StoreReference(integer(found, "typ:id"), text(found, "typ:ids"))


COUNT_MAX = 10_000
GROUPS_MAX = 255


def page(limit: etree._Element | None) -> Page:
    """Read a `limit` element; without one, everything is wanted."""
    if limit is None:
        return Page()
    count = integer(limit, "ftr:count")
    if count is not None and not 1 <= count <= COUNT_MAX:
        raise BadElementError("ftr:count", str(count), f"Hodnota není 1 až {COUNT_MAX}.")
    return Page(integer(limit, "ftr:idFrom") or 0, count)


def refuse_foreign_filters(request: etree._Element) -> None:
    """Refuse filters that only the real database understands, rather than ignore them."""
    for name in ("ftr:queryFilter", "ftr:userFilterName"):
        if child(request, name) is not None:
            raise BadElementError(name, "", "Tento filtr sandbox neumí.")


def groups(
    request: etree._Element, wanted: str
) -> Iterator[tuple[etree._Element | None, etree._Element]]:
    """Yield limit and filter of the repeated sequence limit?, `wanted`, restrictionData?."""
    for limit, found, _ in restricted_groups(request, wanted):
        yield limit, found


def restricted_groups(
    request: etree._Element, wanted: str
) -> list[tuple[etree._Element | None, etree._Element, etree._Element | None]]:
    """Return limit, filter and restriction of each group; their order is enforced."""
    found: list[tuple[etree._Element | None, etree._Element, etree._Element | None]] = []
    limit: etree._Element | None = None
    for part in request.iterchildren(tag=etree.Element):
        name = etree.QName(part).localname
        if name == "limit" and limit is None:
            limit = part
        elif name == wanted:
            found.append((limit, part, None))
            limit = None
        elif name == "restrictionData" and found and limit is None and found[-1][2] is None:
            found[-1] = (*found[-1][:2], part)
        else:
            raise BadElementError(name, "", "Element není na tomto místě povolen.")
    if limit is not None or not 1 <= len(found) <= GROUPS_MAX:
        raise BadElementError(wanted, "", f"Povoleno je 1 až {GROUPS_MAX} úplných filtrů.")
    return found
