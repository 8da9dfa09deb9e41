"""What DKIM signatures claim: read from the mail's bytes alone, before any key is asked for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mail_ingest.genuineness.signature import Signature, Verified
from mail_ingest.message.headers import Header, values

SIGNATURES_MAX: Final = 6
SIGNATURE_BYTES_MAX: Final = 8 * 1024
SIGNED_HEADERS_MAX: Final = 200

_BLANK_RUN = re.compile(rb"[ \t\r\n]{100}")
_BLANKS = re.compile(rb"[ \t]+")
_TAG = re.compile(rb"[A-Za-z]\w{0,30}")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,250}[a-z0-9_])?")
_NUMBER = re.compile(rb"\d{1,12}")
_BODY_FORMS: Final = {b"simple": False, b"relaxed": True}

Tags = Mapping[bytes, bytes]


class Malformed(Exception):
    """A signature or key that is not one; the message says why, in a half-sentence."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A signature as it stands in the header."""

    signature: Signature
    tags: Tags


def claims_of(headers: Sequence[Header], body: bytes) -> tuple[Claim | Signature, ...]:
    """Read the signatures of a mail, SIGNATURES_MAX at most, from the top down.

    One that can't be read is a finished, failed signature.
    """
    return tuple(
        _claim(value, body) for value in values(headers, "DKIM-Signature")[:SIGNATURES_MAX]
    )


def appended_behind(headers: Sequence[Header], body: bytes) -> str | None:
    """Return the domain of a signature that ends before the body does, or None.

    A mail's bytes alone tell this: no key is needed.
    """
    for claim in claims_of(headers, body):
        if isinstance(claim, Claim) and claim.signature.appended:
            return claim.signature.domain
    return None


def _claim(value: bytes, body: bytes) -> Claim | Signature:
    try:
        tags = parse_tags(value)
        return Claim(_facts(tags, body), tags)
    except Malformed as error:
        return Signature("", Verified.FAIL, reason=str(error))


def parse_tags(value: bytes) -> Tags:
    """Read a tag list (RFC 6376 §3.2). Raises Malformed."""
    if len(value) > SIGNATURE_BYTES_MAX or _BLANK_RUN.search(value):
        raise Malformed("it is too long or full of blanks")
    tags: dict[bytes, bytes] = {}
    for part in value.strip().removesuffix(b";").split(b";"):
        name, equals, content = part.partition(b"=")
        key = name.strip()
        if not equals or key in tags or not _TAG.fullmatch(key):
            raise Malformed("it is not a list of tags")
        tags[key] = content.strip()
    return tags


def host(value: bytes) -> str:
    """Read a domain or selector. Raises Malformed."""
    text = value.decode("ascii", "replace").lower().rstrip(".")
    if not _HOST.fullmatch(text):
        raise Malformed("its domain or selector is no name")
    return text


def _facts(tags: Tags, body: bytes) -> Signature:
    missing = [name.decode() for name in (b"a", b"b", b"bh", b"d", b"h", b"s") if name not in tags]
    if missing:
        raise Malformed(f"it lacks {', '.join(missing)}")
    length = _number(tags, b"l")
    return Signature(
        domain=host(tags[b"d"]),
        verified=Verified.FAIL,
        selector=host(tags[b"s"]),
        algorithm=tags[b"a"].decode("ascii", "replace").lower(),
        signed=tuple(
            name.strip().decode("ascii", "replace").lower()
            for name in tags[b"h"].split(b":", SIGNED_HEADERS_MAX)
        ),
        length=length,
        appended=length is not None and length < body_length(body, tags.get(b"c", b"simple")),
        sign_time=_number(tags, b"t"),
        expire_time=_number(tags, b"x"),
    )


def _number(tags: Tags, name: bytes) -> int | None:
    if name not in tags:
        return None
    if not _NUMBER.fullmatch(tags[name]):
        raise Malformed(f"its {name.decode()}= is no number")
    return int(tags[name])


def body_length(body: bytes, canonicalisation: bytes) -> int:
    """Measure a body in its canonical form (RFC 6376 §3.4), in bytes. Raises Malformed."""
    form = canonicalisation.partition(b"/")[2].strip() or b"simple"
    if form not in _BODY_FORMS:
        raise Malformed("its canonicalisation (c=) is not known")
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    if _BODY_FORMS[form]:
        lines = [_BLANKS.sub(b" ", line.rstrip(b" \t")) for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return 0 if _BODY_FORMS[form] else 2
    return sum(map(len, lines)) + 2 * len(lines)
