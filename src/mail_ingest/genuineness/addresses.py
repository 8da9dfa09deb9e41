"""Who a mail says it is from, by a grammar stricter than any parser's.

Address parsers guess, and each guesses otherwise: `info@rb.cz <x@evil.example>`
is one address to some and another to others. Here a From is read only when
there is one way to read it.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from publicsuffixlist import PublicSuffixList

from mail_ingest.message.headers import Header, values

SINGLE_HEADERS: Final = (
    "From",
    "Sender",
    "Subject",
    "Date",
    "To",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Message-ID",
    "MIME-Version",
)
"""Headers of which a genuine mail has one at most."""

FROM_BYTES_MAX: Final = 1_000
DOMAIN_LENGTH_MAX: Final = 253

_ATOM: Final = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]"
_LOCAL: Final = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_DOMAIN: Final = rb"[A-Za-z0-9\x80-\xff-]+(?:\.[A-Za-z0-9\x80-\xff-]+)+"
_ADDRESS: Final = rb"(?P<local>" + _LOCAL + rb")@(?P<domain>" + _DOMAIN + rb")"
_BARE = re.compile(rb"<?" + _ADDRESS + rb">?")
_ANGLED = re.compile(rb"(?P<display>.*?)[ \t]*<" + _ADDRESS + rb">")
_WORD = re.compile(rb'(?:"(?:[^"\\\r\n]|\\[\x20-\x7e])*"|(?:' + _ATOM + rb"|\.)+)[ \t]*")
# The genuine From of one bank has a comma that should be quoted.
_SLSP = re.compile(rb"[^<>@]*<(?P<local>[^<>@\s]+)@(?P<domain>slsp\.sk)>")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class SenderError(Exception):
    """The From header can't be believed; the message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The one address of the one From header; the domain in lower-case ASCII."""

    local: str
    domain: str

    @property
    def address(self) -> str:
        """The address in lower case."""
        return f"{self.local.lower()}@{self.domain}"


def sender_of(headers: Iterable[Header]) -> Sender:
    """Return the sender of a mail. Raises SenderError."""
    found = values(headers, "From")
    if len(found) != 1:
        raise SenderError(
            "it has no From header" if not found else f"it has {len(found)} From headers"
        )
    value = found[0].strip(b" \t")
    if len(value) > FROM_BYTES_MAX:
        raise SenderError("its From header is too long")
    match = _SLSP.fullmatch(value) or _one_address(value)
    if match is None:
        raise SenderError("its From header is not exactly one plain address")
    return Sender(match["local"].decode("ascii", "replace"), _ascii_domain(match["domain"]))


def repeated_headers(headers: Iterable[Header]) -> tuple[str, ...]:
    """Return which of the headers that may be there once are there more than once."""
    counts = Counter(header.key for header in headers)
    return tuple(name for name in SINGLE_HEADERS if counts[name.lower()] > 1)


def domain_of(address: str) -> str:
    """Return what stands behind the last "@", in lower case; empty where there is none."""
    return address.rpartition("@")[2].strip("<> \t").rstrip(".").lower() if "@" in address else ""


def organisation(domain: str) -> str:
    """Return the organisational domain (public suffix and one label), as DMARC has it."""
    return str(_suffixes().privatesuffix(domain) or domain)


def aligned(domain: str, other: str, *, strict: bool = False) -> bool:
    """Whether two domains are of one organisation, or (strict) the same (RFC 7489 §3.1)."""
    if not domain or not other:
        return False
    if domain == other:
        return True
    return not strict and organisation(domain) == organisation(other)


def within(domain: str, parent: str) -> bool:
    """Whether a domain is another or truly below it."""
    return domain == parent or domain.endswith(f".{parent}")


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _one_address(value: bytes) -> re.Match[bytes] | None:
    if match := _BARE.fullmatch(value):
        return match if value.startswith(b"<") == value.endswith(b">") else None
    match = _ANGLED.fullmatch(value)
    if match is None:
        return None
    display, end = match["display"], 0
    while end < len(display):
        word = _WORD.match(display, end)
        if word is None:
            return None
        end = word.end()
    return match


def _ascii_domain(raw: bytes) -> str:
    try:
        domain = raw.decode("utf-8").encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise SenderError("the domain of its From header is no domain") from error
    labels = domain.split(".")
    if len(domain) > DOMAIN_LENGTH_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise SenderError("the domain of its From header is no domain")
    return domain
