"""The envelope: `dat:dataPack` in, `rsp:responsePack` out."""

from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from sandbox.pohoda import markup
from sandbox.pohoda.markup import NAMESPACES, element, leaf

ID_CHARACTERS_MAX = 64


class Kind(StrEnum):
    """What a request wants, as faults and the journal name it."""

    STATUS = "status"
    STOCK_LIST = "stock_list"
    STORE_LIST = "store_list"
    ORDER_LIST = "order_list"
    MOVEMENT_LIST = "movement_list"
    IMPORT = "import"
    DELETE = "delete"
    OTHER = "other"

    @property
    def writes(self) -> bool:
        """Whether the user needs the right to import."""
        return self in (Kind.IMPORT, Kind.DELETE)


_KINDS = {
    f"{{{NAMESPACES['lStk']}}}listStockRequest": Kind.STOCK_LIST,
    f"{{{NAMESPACES['lst']}}}listStoreRequest": Kind.STORE_LIST,
    f"{{{NAMESPACES['lst']}}}listStorageRequest": Kind.STORE_LIST,
    f"{{{NAMESPACES['lst']}}}listOrderRequest": Kind.ORDER_LIST,
    f"{{{NAMESPACES['lst']}}}listMovementRequest": Kind.MOVEMENT_LIST,
    f"{{{NAMESPACES['ord']}}}order": Kind.IMPORT,
}


class NotXmlError(Exception):
    """The body is not a well-formed document."""


class EnvelopeError(Exception):
    """The body is no data pack; nothing of it is processed."""


@dataclass(frozen=True, slots=True)
class PackItem:
    """One item: `agenda` is its only child, `position` counts from 1."""

    id: str
    position: int
    agenda: etree._Element
    kind: Kind

    @property
    def xpath(self) -> str:
        """The path of the agenda element, with the prefixes that POHODA always uses."""
        name = etree.QName(self.agenda)
        prefixes = [key for key, uri in NAMESPACES.items() if uri == name.namespace]
        agenda = f"{prefixes[0]}:{name.localname}" if prefixes else name.localname
        return f"dat:dataPack/dat:dataPackItem[{self.position}]/{agenda}"


@dataclass(frozen=True, slots=True)
class Pack:
    """A request whose envelope is sound."""

    id: str
    ico: str
    key: str
    period: str
    application: str
    note: str
    items: tuple[PackItem, ...]

    @property
    def kinds(self) -> frozenset[Kind]:
        """Everything the pack wants."""
        return frozenset(item.kind for item in self.items)


def parse(body: bytes) -> etree._Element:
    """Parse a body by its own XML declaration. Entities and the network are off."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise NotXmlError(str(error)) from error


def read(root: etree._Element) -> Pack:
    """Read the envelope; what the items hold is judged one by one, later."""
    if root.tag != f"{{{NAMESPACES['dat']}}}dataPack":
        raise EnvelopeError(f"Kořenový element {root.tag} není dat:dataPack.")
    if root.get("version") != "2.0":
        raise EnvelopeError("Atribut version elementu dataPack musí být 2.0.")
    for required in ("id", "application", "note"):
        if root.get(required) is None:
            raise EnvelopeError(f"Element dataPack nemá atribut {required}.")
    pack_id = root.get("id", "")
    if len(pack_id) > ID_CHARACTERS_MAX:
        raise EnvelopeError(f"Atribut id je delší než {ID_CHARACTERS_MAX} znaků.")
    elements = root.findall("dat:dataPackItem", NAMESPACES)
    if not elements:
        raise EnvelopeError("Element dataPack nemá žádný dataPackItem.")
    return Pack(
        id=pack_id,
        ico=root.get("ico", ""),
        key=root.get("key", ""),
        period=root.get("period", ""),
        application=root.get("application", ""),
        note=root.get("note", ""),
        items=tuple(_item(found, position) for position, found in enumerate(elements, start=1)),
    )


def _item(found: etree._Element, position: int) -> PackItem:
    item_id = found.get("id", "")
    if not item_id or len(item_id) > ID_CHARACTERS_MAX:
        raise EnvelopeError(f"Element dataPackItem[{position}] nemá platný atribut id.")
    agendas = [agenda for agenda in found if isinstance(agenda.tag, str)]
    if len(agendas) != 1:
        raise EnvelopeError(f"Element dataPackItem[{position}] nemá právě jednu agendu.")
    kind = _KINDS.get(agendas[0].tag, Kind.OTHER)
    is_deletion = agendas[0].find("ord:actionType/ord:delete", NAMESPACES) is not None
    return PackItem(
        item_id, position, agendas[0], Kind.DELETE if kind.writes and is_deletion else kind
    )


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """The answer to one item; `is_left_out` where the item has no answer at all."""

    is_ok: bool
    body: str = ""
    note: str = ""
    is_left_out: bool = False

    def write(self, item_id: str) -> str:
        """Write the `rsp:responsePackItem`."""
        if self.is_left_out:
            return ""
        attributes = {"version": "2.0", "id": item_id, "state": state(self.is_ok)}
        if self.note:
            attributes["note"] = self.note
        return markup.tag("rsp:responsePackItem", self.body, attributes)


@dataclass(frozen=True, slots=True)
class Unit:
    """How the accounting unit signs its answers."""

    program_version: str
    ico: str
    key: str


def write(unit: Unit, pack_id: str, note: str, content: str, *, is_ok: bool) -> str:
    """Write the answer to a pack."""
    attributes = {
        "version": "2.0",
        "id": pack_id,
        "state": state(is_ok),
        "note": note,
        "programVersion": unit.program_version,
        "ico": unit.ico,
        "key": unit.key,
        **markup.ROOT_NAMESPACES,
    }
    return markup.DECLARATION + markup.tag("rsp:responsePack", content, attributes)


def state(is_ok: bool) -> str:
    """Name a state as all three levels do."""
    return "ok" if is_ok else "error"


@dataclass(frozen=True, slots=True)
class Detail:
    """A problem found while a document was processed (`rdc:detail`)."""

    note: str
    xpath: str = ""
    requested: str = ""
    produced: str = ""
    errno: int | None = None
    is_error: bool = True

    def write(self) -> str:
        """Write the `rdc:detail`."""
        where = (
            leaf("rdc:XPath", self.xpath)
            + leaf("rdc:valueRequested", self.requested)
            + leaf("rdc:valueProduced", self.produced)
        )
        return element(
            "rdc:detail",
            leaf("rdc:state", "error" if self.is_error else "warning")
            + leaf("rdc:errno", self.errno)
            + leaf("rdc:note", self.note)
            + (where if self.xpath else ""),
        )


def details(found: list[Detail]) -> str:
    """Write the `rdc:importDetails`, or nothing where there are none."""
    written = "".join(detail.write() for detail in found)
    return element("rdc:importDetails", written) if written else ""


def ext_id(name: str, ids: str, system: str) -> str:
    """Write an external id."""
    return element(name, leaf("typ:ids", ids) + leaf("typ:exSystemName", system))
