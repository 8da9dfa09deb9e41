"""HTTP around the XML: who asks, and how bodies are compressed."""

import base64
import binascii
import gzip
import zlib

from sandbox.pohoda.settings import Account, Settings

BODY_BYTES_MAX = 64 * 1024 * 1024
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_RAW_DEFLATE = -zlib.MAX_WBITS


class BadBodyError(Exception):
    """The body cannot be read: a wrong type, a broken compression, or too long."""


class LoginError(Exception):
    """The request is refused with an HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def log_in(authorization: str | None, settings: Settings) -> Account:
    """Check the value of `STW-Authorization`, the only header that counts."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        raise LoginError(401, "STW-Authorization is missing")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise LoginError(401, "STW-Authorization is not Base64 of user:password") from None
    account = next((known for known in settings.accounts if known.user == user), None)
    if account is None:
        raise LoginError(401, "the user does not exist in POHODA")
    if account.password != password:
        raise LoginError(settings.wrong_password_status, "wrong password")
    if not account.may_open_unit:
        raise LoginError(403, "the user may not open this accounting unit")
    return account


def check_type(content_type: str) -> None:
    """Accept `text/xml`, and `application/xml` as real installations do."""
    if content_type.partition(";")[0].strip().lower() not in ("text/xml", "application/xml"):
        raise BadBodyError(f"Content-Type {content_type!r} is not text/xml")


def unpack(body: bytes, encoding: str) -> bytes:
    """Decompress a request: gzip, or deflate with a zlib header or without."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise BadBodyError(f"Content-Encoding {encoding!r} is neither gzip nor deflate")
    for window_bits in (_GZIP_OR_ZLIB, _RAW_DEFLATE):
        inflater = zlib.decompressobj(window_bits)
        try:
            plain = inflater.decompress(body, BODY_BYTES_MAX)
        except zlib.error:
            continue
        if inflater.unconsumed_tail:
            raise BadBodyError(f"the body is longer than {BODY_BYTES_MAX} bytes")
        if inflater.eof:
            return plain
    raise BadBodyError(f"the body is not {encoding}")


def pack(body: bytes, accept_encoding: str) -> tuple[bytes, dict[str, str]]:
    """Compress an answer as the client allows; returns it with the header that says so."""
    accepted = {
        part.partition(";")[0].strip().lower()
        for part in accept_encoding.split(",")
        if "q=0" not in part.replace(" ", "").replace("q=0.", "")
    }
    if "gzip" in accepted:
        return gzip.compress(body, compresslevel=1), {"Content-Encoding": "gzip"}
    if "deflate" in accepted:
        return zlib.compress(body, level=1), {"Content-Encoding": "deflate"}
    return body, {}
