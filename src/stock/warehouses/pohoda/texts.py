"""Texts made to fit: characters the encoding has, lengths the schema allows, nothing lost.

What had to be cut or left out is kept and goes into the order's internal note in full.
"""

import hashlib
import re
import unicodedata
from typing import Final

from stock.warehouses.pohoda.charset import adapted

# Printable ASCII without blanks.
_PLAIN_ID: Final = re.compile(r"[!-~]{1,64}")
_KEPT_ID_CHARACTERS: Final = 43
_DIGEST_CHARACTERS: Final = 20


def cut(text: str, max_characters: int) -> str:
    """At most so many characters, without parting a letter from its marks."""
    if len(text) <= max_characters:
        return text
    end = max_characters
    while end and unicodedata.combining(text[end]):
        end -= 1
    return text[:end].rstrip()


def document_key(external_id: str) -> str:
    """The id under which a document is sent: the external id itself where the schema takes it.

    Ids of packs and items, and external ids, are at most 64 characters long;
    a longer or unusual one is replaced by its beginning and a digest.
    """
    if _PLAIN_ID.fullmatch(external_id):
        return external_id
    digest = hashlib.sha256(external_id.encode("utf-8", "surrogatepass")).hexdigest()
    start = "".join(sign for sign in external_id if sign.isascii() and sign.isalnum())
    return f"{start[:_KEPT_ID_CHARACTERS]}-{digest[:_DIGEST_CHARACTERS]}"


class Texts:
    """Fits the texts of one order and keeps what did not fit."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self.misfits: list[str] = []

    def line(self, label: str, text: str, max_characters: int) -> str:
        """A text on one line; what is over is cut."""
        whole = adapted(" ".join(text.split()), self._encoding)
        fitted = cut(whole, max_characters)
        if fitted != whole:
            self._keep(label, whole)
        return fitted

    def exact(self, label: str, text: str, max_characters: int) -> str:
        """A number or address that is useless when cut: left out where it is too long."""
        whole = adapted(" ".join(text.split()), self._encoding)
        if len(whole) <= max_characters:
            return whole
        self._keep(label, whole)
        return ""

    def lines(self, text: str) -> str:
        """A text of any length with its line breaks."""
        return adapted(text.strip(), self._encoding)

    def _keep(self, label: str, whole: str) -> None:
        misfit = f"{label}: {whole}"
        if misfit not in self.misfits:
            self.misfits.append(misfit)
