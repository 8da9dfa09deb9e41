"""Validation of requests by the vendor's schemas, where their directory is known."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

_ITEM_PATH = re.compile(r"^/[^/]+/(?:dat:dataPackItem|\*)(?:\[(\d+)\])?(?:/|$)")


@dataclass(frozen=True, slots=True)
class Findings:
    """What breaks the schema: in the envelope, and per item by its position from 1."""

    envelope: str | None = None
    items: dict[int, str] = field(default_factory=dict)


class Schemas:
    """The request schema, compiled once."""

    def __init__(self, directory: Path) -> None:
        """Compile `data.xsd` of the directory; OSError or XMLSchemaParseError where it fails."""
        self._request = etree.XMLSchema(etree.parse(directory / "data.xsd"))

    def judge(self, document: etree._Element) -> Findings:
        """Find out which items are invalid, so that the others can be processed."""
        if self._request.validate(document):
            return Findings()
        items: dict[int, str] = {}
        for error in self._request.error_log:  # type: ignore[attr-defined]  # stubs lack it
            match = _ITEM_PATH.match(error.path or "")
            if match is None:
                return Findings(envelope=error.message)
            items.setdefault(int(match[1] or 1), error.message)
        return Findings(items=items)
