"""Letters made to cost the reader its time or its memory."""

import base64
import gzip
import io
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from typing import Final

LARGE_BYTES: Final = 600_000
"""Below what the door takes, so that the reader meets it."""


def _kept(raw: bytes) -> bytes:
    """The headers that every letter has, without those that describe its content."""
    head = raw.partition(b"\r\n\r\n")[0]
    lines = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n")
    described = (b"content-", b"mime-", b"dkim-")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(described)) + b"\r\n"


def _body(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[2]


def _multipart(raw: bytes, *parts: bytes) -> bytes:
    lines = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return _kept(raw) + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + lines + b"--b--\r\n"


@cache
def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(10):
            archive.writestr(f"{number}.txt", b"\0" * 10_000_000)
    return base64.encodebytes(packed.getvalue())


@cache
def _gzip() -> bytes:
    return base64.encodebytes(gzip.compress(b"1" * 50_000_000))


def _zip_bomb(_random: Random, raw: bytes) -> bytes:
    head = b"Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return _multipart(raw, b"Content-Type: text/plain\r\n\r\n" + _body(raw), head + _zip())


def _gzip_bomb(_random: Random, raw: bytes) -> bytes:
    head = b"Content-Type: text/plain\r\nContent-Encoding: gzip\r\n"
    return _multipart(raw, head + b"Content-Transfer-Encoding: base64\r\n\r\n" + _gzip())


def _deep(random: Random, raw: bytes) -> bytes:
    depth = random.choice([7, 9, 50, 2_000])
    signs = [b"d%d" % number for number in range(depth)]
    inner = b"".join(
        b"Content-Type: multipart/mixed; boundary=" + sign + b"\r\n\r\n--" + sign + b"\r\n"
        for sign in signs
    )
    return _kept(raw) + inner + b"Content-Type: text/plain\r\n\r\n" + _body(raw)


def _many_parts(random: Random, raw: bytes) -> bytes:
    count = random.choice([63, 65, 20_000])
    return _multipart(raw, *[b"\r\n"] * count, b"Content-Type: text/plain\r\n\r\n" + _body(raw))


def _mails_in_mails(_random: Random, raw: bytes) -> bytes:
    return _kept(raw) + b"Content-Type: message/rfc822\r\n\r\n" * 3_000 + raw


def _text_bomb(random: Random, raw: bytes) -> bytes:
    piece = random.choice([
        b"VS: ", b"<div>", b"&nbsp;", b"Castka: 1,00 CZK\r\n", b" ", b"\n", b"1 ", b"=",
        b"<!--", b"zvysil o ", b"a" * 70 + b"\r\n", b"na uctu ", b"<style>", b"Dne 1.1.2026 byla ",
        b"\x00", b"&#x41;", b"\xcc\x81", b"<a href='https://x'>",
    ])  # fmt: skip
    html = random.choice([b"text/html", b"text/plain"])
    flood = piece * (LARGE_BYTES // len(piece))
    own = _body(raw)
    text = random.choice([flood + own, own + flood, own[: len(own) // 2] + flood])
    return _kept(raw) + b"Content-Type: " + html + b'; charset="utf-8"\r\n\r\n' + text


def _header_bomb(random: Random, raw: bytes) -> bytes:
    line = random.choice([
        b"Subject: " + b"=?utf-8?q?a?= " * 30_000, b"From: " + b"(" * 200_000,
        b"References: " + b"<a@b.example>\r\n " * 20_000, b"To: " + b"a@b.example, " * 30_000,
        b"Content-Type: text/plain" + b'; a="' * 50_000, b"Received: x\r\n" * 30_000 + b"X: y",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=fio.cz; s=x; h=from; b=A\r\n" * 3_000 + b"X: y",
    ])  # fmt: skip
    return line + b"\r\n" + raw


def _too_large(_random: Random, raw: bytes) -> bytes:
    return raw + b"x" * 70 * 16_000


BOMBS: Final[Mapping[str, Callable[[Random, bytes], bytes]]] = {
    "zip bomb": _zip_bomb,
    "gzip bomb": _gzip_bomb,
    "deep": _deep,
    "many parts": _many_parts,
    "mails in mails": _mails_in_mails,
    "text bomb": _text_bomb,
    "header bomb": _header_bomb,
    "too large": _too_large,
}
