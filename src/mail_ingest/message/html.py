"""HTML to the lines that a person would read."""

import re
from itertools import islice
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mail_ingest.message.headers import MessageError

HTML_CHARACTERS_MAX: Final = 400_000
# The parser's time grows with the square of the nesting; this bounds it to a fraction of a second.
HTML_TAGS_MAX: Final = 4_000
LINKS_MAX: Final = 100
LINK_CHARACTERS_MAX: Final = 1_000

_UNSEEN: Final = frozenset({
    "head", "script", "style", "title", "template", "noscript", "object", "iframe", "svg", "math",
    "select", "textarea", "button", "audio", "video", "canvas",
})  # fmt: skip
_BLOCKS: Final = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt",
    "fieldset", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main",
    "nav", "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
})  # fmt: skip
_CELLS: Final = frozenset({"td", "th"})
_HIDING = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|mso-hide:all|opacity:0(?:\.0*)?(?:;|\Z)"
    r"|font-size:0(?:\.0*)?(?:px|pt|em|rem|%)?(?:;|!|\Z)"
    r"|(?:\A|;)color:(?:white|#fff(?:fff)?|rgba?\(255,255,255)"
)
_WHITE: Final = frozenset({"white", "#fff", "#ffffff"})
_WHITESPACE = re.compile(r"[ \t\r\n\f]+")
_STARTS_OF_TAGS = re.compile(r"<[A-Za-z!/]")


def html_to_text(html: str) -> str:
    """Return the visible text: a line per block and `<br>`, a tab between the cells of a row.

    Comments, scripts, styles and what is hidden (`display:none`, white letters
    and the like) are left out. Nothing is fetched. Raises MessageError for HTML
    beyond the limits.
    """
    root = _parsed(html).body
    if root is None:
        return ""
    pieces: list[str] = []
    node: LexborNode | None = root
    while node is not None:
        child = node.child if _enter(node, pieces) else None
        node = child if child is not None else _after(node, root, pieces)
    return "".join(pieces)


def html_links(html: str) -> list[tuple[str, str]]:
    """Return the https links with the words they stand behind, in order; nothing is fetched.

    Raises MessageError for HTML beyond the limits.
    """
    found = []
    for node in islice(_parsed(html).css("a[href]"), LINKS_MAX):
        target = (node.attributes.get("href") or "").strip()
        if target.lower().startswith("https://") and len(target) <= LINK_CHARACTERS_MAX:
            found.append((target, " ".join(node.text().split())))
    return found


def _parsed(html: str) -> LexborHTMLParser:
    if len(html) > HTML_CHARACTERS_MAX:
        raise MessageError(f"its HTML is longer than {HTML_CHARACTERS_MAX} characters")
    if sum(1 for _ in _STARTS_OF_TAGS.finditer(html)) > HTML_TAGS_MAX:
        raise MessageError(f"its HTML has more than {HTML_TAGS_MAX} tags")
    return LexborHTMLParser(html.replace("\x00", " "))


def _enter(node: LexborNode, pieces: list[str]) -> bool:
    """Write what a node itself shows; tell whether its children are seen."""
    tag = node.tag
    if tag == "-text":
        text = node.text_content or ""
        parent = node.parent
        keeps_lines = parent is not None and parent.tag == "pre"
        pieces.append(text.replace("\t", " ") if keeps_lines else _WHITESPACE.sub(" ", text))
        return False
    if tag == "br":
        pieces.append("\n")
        return False
    if tag is None or tag.startswith("-") or tag in _UNSEEN or _hidden(node):
        return False
    if tag in _BLOCKS:
        _end_line(pieces)
    elif tag in _CELLS and pieces and not pieces[-1].endswith("\n"):
        pieces.append("\t")
    return True


def _after(node: LexborNode, root: LexborNode, pieces: list[str]) -> LexborNode | None:
    """Leave a node and those that end with it; return the next in reading order."""
    current: LexborNode | None = node
    while current is not None:
        if current.tag in _BLOCKS:
            _end_line(pieces)
        if current.mem_id == root.mem_id:
            return None
        if current.next is not None:
            return current.next
        current = current.parent
    return None


def _end_line(pieces: list[str]) -> None:
    """End the line that was begun: blocks within blocks give no empty lines."""
    if pieces and not pieces[-1].endswith("\n"):
        pieces.append("\n")


def _hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if not attributes:
        return False
    if "hidden" in attributes or (attributes.get("color") or "").strip().lower() in _WHITE:
        return True
    style = attributes.get("style")
    return bool(style) and _HIDING.search("".join((style or "").lower().split())) is not None
