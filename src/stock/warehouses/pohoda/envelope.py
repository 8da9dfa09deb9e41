"""The envelope: a dataPack out, a responsePack back, and its three levels of result.

Level 1 is the pack, level 2 its items, level 3 what an item holds. An error on any of them
is raised; the text is the attribute `note` on the levels 1 and 2 and entries of
importDetails on level 3. No other element called note is an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from stock.warehouses.errors import Unreadable
from stock.warehouses.pohoda.failures import Detail, from_details, from_note, from_pack_note
from stock.warehouses.pohoda.names import find, new, tag, text_at
from stock.warehouses.pohoda.settings import PohodaSettings

APPLICATION: Final = "Spojka"
# Of an answer that is read whole; answers with stock are read as streams instead.
MAX_PARSED_BYTES: Final = 64 * 1024 * 1024
MAX_FRAGMENT_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class RequestItem:
    """One agenda element of a request and the id its answer will carry."""

    item_id: str
    content: etree._Element


@dataclass(frozen=True, slots=True)
class AnswerItem:
    """One item of an answer; `content` is what stands in it, if anything."""

    item_id: str
    state: str
    note: str
    content: etree._Element | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A pack that was taken; its items may still be errors."""

    program_version: str
    company_id: str
    items: tuple[AnswerItem, ...]

    def item(self, item_id: str) -> AnswerItem | None:
        """The item of that id."""
        return next((item for item in self.items if item.item_id == item_id), None)


def write_pack(
    settings: PohodaSettings, pack_id: str, note: str, items: Sequence[RequestItem]
) -> bytes:
    """Write a request in the encoding of the settings, with its declaration."""
    pack = new(
        "dat:dataPack",
        version="2.0",
        id=pack_id,
        ico=settings.ico,
        application=APPLICATION,
        note=note,
    )
    for item in items:
        holder = etree.SubElement(
            pack, tag("dat:dataPackItem"), {"version": "2.0", "id": item.item_id}
        )
        holder.append(item.content)
    etree.cleanup_namespaces(pack)
    text = etree.tostring(pack, encoding="unicode")
    name = "UTF-8" if settings.encoding == "utf-8" else "Windows-1250"
    # Every text was fitted to the encoding before; what slipped through must fail loudly.
    return f'<?xml version="1.0" encoding="{name}"?>\n{text}'.encode(settings.encoding)


def read_pack(body: bytes, charset: str, pack_id: str = "") -> Answer:
    """Read a small answer whole; `pack_id` is the request's, where it is known.

    Raises Unreadable where it isn't a responsePack, and what an error of level 1 stands for.
    """
    if len(body) > MAX_PARSED_BYTES:
        raise not_understood(f"it has more than {MAX_PARSED_BYTES} bytes")
    parser = etree.XMLParser(
        encoding=charset,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        fragment = body[:MAX_FRAGMENT_CHARACTERS].decode(charset, "replace")
        raise not_understood(str(error), fragment) from error
    if root.tag != tag("rsp:responsePack"):
        raise not_understood(f"it begins with {root.tag}", etree.tostring(root, encoding="unicode"))
    check_pack(root, pack_id)
    return Answer(
        program_version=root.get("programVersion", ""),
        company_id=root.get("ico", ""),
        items=tuple(
            AnswerItem(
                item_id=item.get("id", ""),
                state=item.get("state", ""),
                note=item.get("note", ""),
                content=item[0] if len(item) else None,
            )
            for item in root.iterfind(tag("rsp:responsePackItem"))
        ),
    )


def list_in(answer: Answer, item_id: str, name: str) -> etree._Element | None:
    """The list that answers an item of the request; None where Pohoda sent nothing.

    Raises what an error on the levels 2 and 3 stands for: a refused list never looks empty.
    """
    item = answer.item(item_id)
    if item is None:
        return None
    if item.state != "ok":
        details = import_details(item.content) if item.content is not None else []
        raise from_details(details, item.note, "the list")
    if item.content is None:
        if item.note:
            raise from_note(item.note, "the list")
        return None
    if item.content.tag != tag(name):
        raise not_understood(
            f"{item.content.tag} came in place of {name}",
            etree.tostring(item.content, encoding="unicode"),
        )
    check_list(item.content)
    return item.content


def check_pack(pack: etree._Element, pack_id: str = "") -> None:
    """Raise what an error on level 1 stands for.

    Raises Unreadable for a DTD, as there is never one, and for an answer to
    another request: a proxy that repeats an old one must not pass for now.
    Pohoda repeats the id of the request, and leaves it out of some refusals.
    """
    if pack.getroottree().docinfo.internalDTD is not None:
        raise not_understood("it has a document type declaration")
    answered = pack.get("id", "")
    if pack_id and answered not in {"", pack_id}:
        raise not_understood(f"it answers another request, {answered!r}")
    if pack.tag == tag("rsp:responsePack") and pack.get("state") != "ok":
        raise from_pack_note(pack.get("note", ""))


def check_item(item: etree._Element) -> None:
    """Raise what an error on level 2 of a list stands for."""
    if item.get("state") != "ok":
        details = import_details(item[0]) if len(item) else []
        raise from_details(details, item.get("note", ""), "the list")


def check_list(content: etree._Element) -> None:
    """Raise what an error on level 3 of a list stands for."""
    if content.get("state") != "ok":
        raise from_details(import_details(content), "", "the list")


def import_details(content: etree._Element) -> list[Detail]:
    """The entries of importDetails of an agenda's response or list."""
    holder = find(content, "rdc:importDetails")
    if holder is None:
        return []
    return [
        Detail(
            state=text_at(entry, "rdc:state"),
            errno=_number(text_at(entry, "rdc:errno")),
            note=text_at(entry, "rdc:note"),
            xpath=text_at(entry, "rdc:XPath"),
            requested=text_at(entry, "rdc:valueRequested"),
            produced=text_at(entry, "rdc:valueProduced"),
        )
        for entry in holder.iterfind(tag("rdc:detail"))
    ]


def not_understood(what: str, fragment: str = "") -> Unreadable:
    """The error for an answer that isn't the XML that was expected."""
    return Unreadable(
        f"Pohoda's answer can't be understood: {what}",
        "Check that the address leads to the mServer itself and not to a proxy's or web page; "
        "if it does, send the kept part of the answer to support.",
        fragment[:MAX_FRAGMENT_CHARACTERS],
    )


def _number(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdecimal() else None
