"""Names in Pohoda's XML: namespaces by the vendor's fixed prefixes, and access by them.

Answers may declare any prefixes, so elements are matched by namespace.
"""

from typing import Final

from lxml import etree

_BASE: Final = "http://www.stormware.cz/schema/version_2/"

NAMESPACES: Final = {
    "dat": _BASE + "data.xsd",
    "rsp": _BASE + "response.xsd",
    "rdc": _BASE + "documentresponse.xsd",
    "typ": _BASE + "type.xsd",
    "ftr": _BASE + "filter.xsd",
    "lst": _BASE + "list.xsd",
    "lStk": _BASE + "list_stock.xsd",
    "stk": _BASE + "stock.xsd",
    "ord": _BASE + "order.xsd",
    "sto": _BASE + "store.xsd",
    "mov": _BASE + "movement.xsd",
}


def tag(name: str) -> str:
    """The full name of `prefix:local`, such as `ord:order`."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def new(name: str, **attributes: str) -> etree._Element:
    """Start a piece of a request; it declares the prefixes that requests use."""
    return etree.Element(tag(name), attributes, nsmap=_REQUEST_PREFIXES)


def add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    """Append a child with a text."""
    element = etree.SubElement(parent, tag(name))
    element.text = text
    return element


def find(element: etree._Element, path: str) -> etree._Element | None:
    """The first element on a path of `prefix:local` steps."""
    return element.find(path, NAMESPACES)


def text_at(element: etree._Element, path: str) -> str:
    """The trimmed text of the first element on a path; empty where there is none."""
    return (element.findtext(path, None, NAMESPACES) or "").strip()


_REQUEST_PREFIXES: Final = {
    prefix: NAMESPACES[prefix] for prefix in ("dat", "typ", "ftr", "lst", "lStk", "ord")
}
