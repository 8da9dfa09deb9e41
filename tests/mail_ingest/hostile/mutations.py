"""What may happen to a bank's letter on its way, or be done to it.

No mutation writes a digit where another one stood, or takes one away: what
then stands there would be a well-formed letter about other money, which nothing
but a signature tells from a true one. All else is allowed to be wrong.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from tests.mail_ingest.hostile.bombs import BOMBS

Mutate = Callable[[Random, bytes], bytes]

DECOY: Final = (
    "zůstatek účtu 1111111111 se 12.11.2026 v 12:43 zvýšil o 88 888,00 CZK.\r\n\r\n"
    "Protistrana: 2222222222/0800 (Vzorová Eva)\r\nVariabilní symbol: {symbol}\r\n\r\n"
    "Aktuální zůstatek: 99 999 999,00 CZK\r\n"
)
"""A letter about money that no bank ever booked."""
VICTIM_SYMBOL: Final = "6999999"
CHARSETS: Final = (
    "utf-16", "utf-7", "cp037", "x-unknown", "", "us-ascii", "iso-8859-16", "utf-8\x00", "hz",
    "idna", "rot13", "base64", "unicode_escape", "undefined", "punycode", "A" * 5_000,
)  # fmt: skip
ENCODINGS: Final = ("base64", "quoted-printable", "x-uuencode", "binary", "7bit", "gzip", "\xff")
BYTES: Final = b"\x00\x01\x0b\x0c\x1b\x7f\x80\xa0\xfe\xff\r\n \t:;,.-=<>\"'@/\\()abcVS"
"""What is written over other bytes; none is a digit."""


def parted(raw: bytes) -> tuple[bytes, bytes]:
    """The headers, each with its line end, and the body behind the empty line."""
    head, _, body = raw.partition(b"\r\n\r\n")
    return head + b"\r\n", body


def decoy(symbol: str = VICTIM_SYMBOL) -> bytes:
    """The decoy's text."""
    return DECOY.format(symbol=symbol).encode()


# --- headers ---------------------------------------------------------------------------------


def _header(name: bytes, change: Callable[[Random, bytes], bytes]) -> Mutate:
    """Change the first header of a name."""

    def mutate(random: Random, raw: bytes) -> bytes:
        head, body = parted(raw)
        found = re.search(rb"(?mi)^" + name + rb":[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", head)
        if found is None:
            return raw
        return (
            head[: found.start()] + change(random, found[0]) + head[found.end() :] + b"\r\n" + body
        )

    return mutate


def _added(header: Callable[[Random], bytes], *, at_end: bool = False) -> Mutate:
    def mutate(random: Random, raw: bytes) -> bytes:
        head, body = parted(raw)
        line = header(random) + b"\r\n"
        return (head + line if at_end else line + head) + b"\r\n" + body

    return mutate


def _folded(random: Random, line: bytes) -> bytes:
    blanks = [found.start() for found in re.finditer(rb"[ ;]", line)]
    at = random.choice(blanks or [len(line) - 2])
    return line[:at] + random.choice([b"\r\n ", b"\r\n\t", b"\r\n  \r\n ", b"\n "]) + line[at:]


def _unreadable_name(random: Random, line: bytes) -> bytes:
    name, _, value = line.partition(b":")
    return random.choice([
        name + b" :" + value, b" " + line, name + b"\x00:" + value, name + value,
        name.upper() + b":\t" + value, name + b":" + b"\xff\xfe" + value,
    ])  # fmt: skip


def _split_by(random: Random, line: bytes) -> bytes:
    at = random.randrange(len(line) - 1)
    end = random.choice([b"\r", b"\n", b"\r\n", b"\r\r\n", b"\x00", b"\x85"])
    return line[:at] + end + line[at:]


def _other_from(random: Random, line: bytes) -> bytes:
    address = line.partition(b":")[2].strip()
    return b"From: " + random.choice([
        b'"' + address + b'" <evil@evil.example>', b"<evil@evil.example> " + address,
        address + b", evil@evil.example", address + b".evil.example",
        b"=?utf-8?q?" + address + b"?=",
        address.replace(b"@", b"(x)@"), address + b"\x00", b"Fio <" + address + b"> <a@b.example>",
        address.replace(b"i", "і".encode()), b"undisclosed:;", b"", b"@" * 3_000, address.upper(),
        b"\xff\xfe <" + address + b">", b'"' + b"\\" * 2_001 + b'" <' + address + b">",
    ]) + b"\r\n"  # fmt: skip


def _date(random: Random, _line: bytes) -> bytes:
    return b"Date: " + random.choice([
        b"Thu, 99 Foo 99999 99:99:99 +9999", b"Thu, 01 Jan 1970 00:00:00 +0000", b"", b"\xff" * 50,
        b"Fri, 31 Dec 9999 23:59:59 -2359", b"Tue, 29 Feb 2100 00:00:00", b"0" * 5_000,
    ]) + b"\r\n"  # fmt: skip


def _claim(random: Random) -> bytes:
    return random.choice([
        b"Authentication-Results: mail.example; spf=pass smtp.mailfrom=fio.cz; dmarc=pass",
        b"Received-SPF: pass (mail.example: domain of automat@fio.cz)",
        b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=google.com; s=x; t=1; b=AAAA",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=fio.cz; s=x; l=0; h=from; bh=AAAA; b=AAAA",
        b"DKIM-Signature: " + b"h=from:" * 2_000, b"Sender: evil@evil.example",
        b"From: evil@evil.example", b"From: automat@fio.cz", b"X: " + b"y" * 90_000,
        b"\r\n".join(b"X-%d: y" % number for number in range(2_000)), b"Subject: =?x?q?=FF?=",
        b"Content-Type: multipart/mixed; boundary=x", b"Content-Transfer-Encoding: base64",
        b"MIME-Version: 2.0", b"To: \xf0\x9f\x92\xa9", b"no header at all", b":", b"\r\n",
    ])  # fmt: skip


_NAMES: Final = (rb"From", rb"Date", rb"To", rb"Subject", rb"Message-ID", rb"MIME-Version",
                 rb"Content-Type", rb"Content-Transfer-Encoding", rb"DKIM-Signature")  # fmt: skip


def _any_header(change: Callable[[Random, bytes], bytes]) -> Mutate:
    return lambda random, raw: _header(random.choice(_NAMES), change)(random, raw)


# --- MIME ------------------------------------------------------------------------------------


def _retyped(random: Random, raw: bytes) -> bytes:
    charset, media = random.choice(CHARSETS), random.choice([
        "text/plain", "text/html", "text/calendar", "message/rfc822", "multipart/mixed", "a/b", "",
        "application/pkcs7-mime", "text/plain; charset=utf-8", "message/partial; number=1; total=2",
    ])  # fmt: skip
    line = f'Content-Type: {media}; charset="{charset}"\r\n'.encode("utf-8", "replace")
    return _header(rb"Content-Type", lambda _random, _line: line)(random, raw)


def _recoded(random: Random, raw: bytes) -> bytes:
    line = b"Content-Transfer-Encoding: " + random.choice(ENCODINGS).encode("latin-1") + b"\r\n"
    return _header(rb"Content-Transfer-Encoding", lambda _random, _line: line)(random, raw)


_TEXT: Final = b"Content-Type: text/plain\r\n\r\n"


def _wrapped(random: Random, raw: bytes) -> bytes:
    """The letter as the first part of a multipart, decoys behind or attached before it."""
    head, body = parted(raw)
    described = b"".join(re.findall(rb"(?mi)^Content-[^\r\n]*\r\n", head))
    rest = re.sub(rb"(?mi)^Content-[^\r\n]*\r\n", b"", head)
    own = described + b"\r\n" + body
    attached = random.choice([
        b"Content-Type: message/rfc822\r\n\r\n" + rest + _TEXT + decoy(),
        b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n" + decoy(),
        b"Content-Type: text/plain; name=a.txt\r\n\r\n" + decoy(),
        b"Content-Type: application/zip; name=a.zip\r\n\r\nPK\x03\x04",
    ])  # fmt: skip
    behind = _TEXT + decoy()
    parts = random.choice([[own], [own, attached], [attached, own], [own, behind], [own] * 3])
    sign = random.choice([b"b", b"-", b"=_", b"b b", b"x" * 70, b"x" * 300, b'"', b"\xff", b""])
    wrong = random.choice([sign, sign, sign, sign + b"x", b""])
    mixed = random.choice([b"mixed", b"alternative", b"related", b"signed", b"digest"])
    lines = b"".join(b"--" + wrong + b"\r\n" + part + b"\r\n" for part in parts)
    end = random.choice([b"--" + wrong + b"--\r\n", b"", b"--" + wrong])
    return (
        rest
        + b"Content-Type: multipart/"
        + mixed
        + b'; boundary="'
        + sign
        + b'"\r\n\r\n'
        + lines
        + end
    )


def _attached(random: Random, raw: bytes) -> bytes:
    """The whole letter inside of another one."""
    head, _ = parted(raw)
    kept = b"".join(re.findall(rb"(?mi)^(?:From|Date|To|Message-ID|Subject):[^\r\n]*\r\n", head))
    media = random.choice([b"message/rfc822", b"message/global", b"text/rfc822-headers"])
    return kept + b"Content-Type: " + media + b"\r\n\r\n" + raw


# --- bytes -----------------------------------------------------------------------------------


_PAYERS: Final = re.compile(rb"(?i)(?:zpr|ucet protistrany|informacia|n=C3=A1zev proti)")


def _is_free(part: bytes) -> bool:
    return not re.search(rb"[0-9]", part)


def _place(random: Random, raw: bytes, length: int) -> int | None:
    """Somewhere in the letter where so many bytes hold no digit."""
    for _ in range(50):
        at = random.randrange(max(1, len(raw) - length))
        if _is_free(raw[at : at + length]):
            return at
    return None


def _in_text(change: Mutate) -> Mutate:
    """Change the body only; where it hides in base64, what it hides."""

    def mutate(random: Random, raw: bytes) -> bytes:
        head, body = parted(raw)
        if _is_hidden(raw):
            try:
                text = change(random, base64.decodebytes(body))
            except binascii.Error:
                return raw  # damaged before: there is no telling what a change would write
            return head + b"\r\n" + base64.encodebytes(text).replace(b"\n", b"\r\n")
        return head + b"\r\n" + change(random, body)

    return mutate


def _anywhere(change: Mutate) -> Mutate:
    """Change any bytes; in base64 the digits could not be seen and spared."""
    inside = _in_text(change)
    return lambda random, raw: (inside if _is_hidden(raw) else change)(random, raw)


def _is_hidden(raw: bytes) -> bool:
    return b"\r\nContent-Transfer-Encoding: base64\r\n" in raw


def _overwritten(random: Random, raw: bytes) -> bytes:
    for _ in range(random.choice([1, 1, 2, 8, 40])):
        at = _place(random, raw, 1)
        if at is not None:
            raw = raw[:at] + bytes([random.choice(BYTES)]) + raw[at + 1 :]
    return raw


def _cut(random: Random, raw: bytes) -> bytes:
    return raw[: random.randrange(1, len(raw))]


def _without_some(random: Random, raw: bytes) -> bytes:
    length = random.choice([1, 2, 5, 30])
    at = _place(random, raw, length)
    return raw if at is None else raw[:at] + raw[at + length :]


def _with_more(random: Random, raw: bytes) -> bytes:
    # Never between digits: they would be another number.
    at = _place(random, raw, 2)
    piece = bytes(random.choice(BYTES) for _ in range(random.choice([1, 2, 10, 2_000])))
    return raw if at is None else raw[: at + 1] + piece + raw[at + 1 :]


def _lines(change: Callable[[Random, list[bytes]], list[bytes]]) -> Mutate:
    return _in_text(lambda random, text: b"\r\n".join(change(random, text.split(b"\r\n"))))


def _without_a_line(random: Random, lines: list[bytes]) -> list[bytes]:
    at = random.randrange(len(lines))
    return lines[:at] + lines[at + 1 :]


def _line_twice(random: Random, lines: list[bytes]) -> list[bytes]:
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    return [*lines[:to], lines[at], *lines[to:]]


def _lines_swapped(random: Random, lines: list[bytes]) -> list[bytes]:
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def _values_swapped(random: Random, lines: list[bytes]) -> list[bytes]:
    """What the payer wrote stands behind a label of the bank's, and the other way round."""
    labelled = [at for at, line in enumerate(lines) if b": " in line]
    payers = [at for at in labelled if _PAYERS.match(lines[at])]
    if payers and len(labelled) > 1:
        one = random.choice(payers)
        other = random.choice([at for at in labelled if at != one])
        (name, _, value), (to, _, with_) = (lines[at].partition(b": ") for at in (one, other))
        lines[one], lines[other] = name + b": " + with_, to + b": " + value
    return lines


def _decoy_lines(random: Random, lines: list[bytes]) -> list[bytes]:
    """Behind the bank's own text: nothing the bank says stands there."""
    return [*lines, *random.choice([decoy().split(b"\r\n"), [b"VS: " + VICTIM_SYMBOL.encode()]])]


MUTATIONS: Final[Mapping[str, Mutate]] = {
    "header twice": _any_header(lambda _random, line: line + line),
    "header missing": _any_header(lambda _random, _line: b""),
    "header folded": _any_header(_folded),
    "header name": _any_header(_unreadable_name),
    "header split": _any_header(_split_by),
    "other from": _header(rb"From", _other_from),
    "other date": _header(rb"Date", _date),
    "claim on top": _added(_claim),
    "claim below": _added(_claim, at_end=True),
    "retyped": _retyped,
    "recoded": _recoded,
    "wrapped": _wrapped,
    "attached": _attached,
    "overwritten": _anywhere(_overwritten),
    "cut": _cut,
    "without some": _anywhere(_without_some),
    "with more": _anywhere(_with_more),
    "without a line": _lines(_without_a_line),
    "line twice": _lines(_line_twice),
    "lines swapped": _lines(_lines_swapped),
    "values swapped": _lines(_values_swapped),
    "decoy lines": _lines(_decoy_lines),
    **BOMBS,
}
