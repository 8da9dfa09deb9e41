"""The MIME structure of a mail: its text parts, its attachments by name, and no more.

Our own walk instead of a general parser: it knows the few things that banks'
mails are made of, refuses what is ambiguous, and is bounded in depth, count and
size whatever the bytes are (RFC 2045, 2046).
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mail_ingest.message.headers import Header, MessageError, decoded, split, text

MESSAGE_BYTES_MAX: Final = 2 * 1024 * 1024
PARTS_MAX: Final = 64
DEPTH_MAX: Final = 8
BOUNDARY_CHARACTERS_MAX: Final = 200
DISPOSITION_BYTES_MAX: Final = 2_000

_DESCRIBING: Final = frozenset({
    "content-type", "content-transfer-encoding", "content-disposition",
})  # fmt: skip
_MEDIA_TYPE = re.compile(r"[ \t]*([\w!#$&^.+-]{1,80})/([\w!#$&^.+-]{1,80})[ \t]*(?=;|\Z)")
_PARAMETER = re.compile(
    r";[ \t]*([\w!#$%&'*+.^`|~-]{1,80})[ \t]*=[ \t]*(\"(?:[^\"\\]|\\.)*+\"|[^;\"\s]*)"
)
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_C1 = re.compile(rb"[\x80-\x9f]")


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of the structure, its content not yet decoded."""

    media_type: str
    charset: str | None
    encoding: str
    file_name: str | None
    attached: bool
    body: bytes

    def content(self) -> bytes:
        """Undo the transfer encoding, once. Raises MessageError where it is damaged or unknown."""
        if self.encoding in {"", "7bit", "8bit", "binary"}:
            return self.body
        if self.encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        if self.encoding == "base64":
            return _base64(self.body)
        raise MessageError(f"a part has the unknown transfer encoding {self.encoding[:40]!r}")

    def text(self) -> str:
        """Decode the content by its declared charset, or by what the bytes can only be."""
        content = self.content()
        charset = self.charset
        # ISO-8859-2 has control codes where windows-1250 has letters: such text is the latter.
        if (
            charset is not None
            and charset.lower().startswith(("iso", "latin"))
            and _C1.search(content)
        ):
            charset = "windows-1250"
        return decoded(content, charset).removeprefix("\ufeff")


def leaves(headers: tuple[Header, ...], body: bytes) -> Iterator[Part]:
    """Walk the parts in their order, containers opened, attached mails not.

    Raises MessageError for too many or too deep parts, for containers without
    a boundary and for parts that tell their type twice.
    """
    waiting: list[tuple[tuple[Header, ...], bytes, int]] = [(headers, body, 0)]
    count = 0
    while waiting:
        own_headers, content, depth = waiting.pop()
        count += 1
        if count > PARTS_MAX:
            raise MessageError(f"it has more than {PARTS_MAX} parts")
        described = _description(own_headers)
        media_type, parameters = _media_type(described.get("content-type", ""))
        if not media_type.startswith("multipart/"):
            yield _leaf(described, media_type, parameters, content)
            continue
        if depth >= DEPTH_MAX:
            raise MessageError(f"its parts are nested more than {DEPTH_MAX} deep")
        inner = [split(part) for part in _parts(content, parameters.get("boundary", ""))]
        waiting.extend((*part, depth + 1) for part in reversed(inner))


def _parts(body: bytes, boundary: str) -> list[bytes]:
    if not 0 < len(boundary) <= BOUNDARY_CHARACTERS_MAX:
        raise MessageError("a multipart has no usable boundary")
    delimiter = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary.encode("latin-1")) + rb"(--)?[ \t]*+(?=\r?\n|\Z)"
    )
    parts: list[bytes] = []
    start: int | None = None
    for match in delimiter.finditer(body):
        if start is not None:
            parts.append(body[start : match.start()])
        if len(parts) > PARTS_MAX:
            raise MessageError(f"it has more than {PARTS_MAX} parts")
        start = match.end() + (2 if body.startswith(b"\r\n", match.end()) else 1)
        if match.group(1):
            return parts
    if start is not None and start < len(body):
        parts.append(body[start:])
    return parts


def _leaf(
    described: dict[str, str], media_type: str, parameters: dict[str, str], body: bytes
) -> Part:
    disposition = described.get("content-disposition", "")[:DISPOSITION_BYTES_MAX]
    kind, _, rest = disposition.partition(";")
    name = _parameters(";" + rest).get("filename") or parameters.get("name")
    encoding = described.get("content-transfer-encoding", "")
    return Part(
        media_type=media_type,
        charset=parameters.get("charset"),
        encoding=encoding.strip().lower(),
        file_name=text(name.encode("latin-1")) if name else None,
        attached=kind.strip().lower() == "attachment" or media_type.startswith("message/"),
        body=body,
    )


def _media_type(value: str) -> tuple[str, dict[str, str]]:
    match = _MEDIA_TYPE.match(value)
    if match is None:  # RFC 2045, 5.2: what can't be understood is plain text
        return "text/plain", {}
    return f"{match.group(1)}/{match.group(2)}".lower(), _parameters(value[match.end() :])


def _parameters(tail: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(tail):
        name, value = match.group(1).lower(), match.group(2)
        if name in found:
            raise MessageError(f"a part tells its {name[:40]!r} twice")
        quoted = value.startswith('"')
        found[name] = re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value
    return found


def _description(headers: tuple[Header, ...]) -> dict[str, str]:
    """Return the headers that describe a part, by lower-case name; each may stand there once."""
    found: dict[str, str] = {}
    for header in headers:
        name = header.name.lower()
        if name not in _DESCRIBING:
            continue
        if name in found:
            raise MessageError(f"a part has two headers {header.name}")
        found[name] = header.value.decode("latin-1")
    return found


def _base64(body: bytes) -> bytes:
    joined = b"".join(body.split())
    if _BASE64_LINE.fullmatch(joined) is None:
        raise MessageError("a part's base64 holds what is not base64")
    try:
        return binascii.a2b_base64(joined.rstrip(b"=") + b"=" * (-len(joined.rstrip(b"=")) % 4))
    except binascii.Error as error:
        raise MessageError("a part's base64 is cut") from error
