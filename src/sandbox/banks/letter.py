"""A mail as bytes: headers and one part of plain text."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from typing import Final

CRLF: Final = "\r\n"
LINE_CHARACTERS_MAX: Final = 76


@dataclass(frozen=True, slots=True)
class Letter:
    """What a bank writes. `encoding` is a content transfer encoding, `body` has bare newlines."""

    sender: str
    subject: str
    body: str
    charset: str
    encoding: str
    message_id: str
    time: datetime

    def to(self, recipient: str) -> bytes:
        """The bytes as they are handed to SMTP."""
        headers = [
            f"Date: {format_datetime(self.time)}",
            f"From: {self.sender}",
            f"To: {recipient}",
            f"Message-ID: <{self.message_id}>",
            f"Subject: {self._subject()}",
            "MIME-Version: 1.0",
            f'Content-Type: text/plain; charset="{self.charset}"',
            f"Content-Transfer-Encoding: {self.encoding}",
        ]
        return f"{CRLF.join(headers)}{CRLF}{CRLF}".encode("ascii") + self._body()

    def _subject(self) -> str:
        if self.subject.isascii():
            return self.subject
        encoded = Header(self.subject, self.charset, header_name="Subject")
        return encoded.encode(maxlinelen=LINE_CHARACTERS_MAX, linesep=CRLF)

    def _body(self) -> bytes:
        text = self.body.rstrip("\n") + "\n"
        data = text.replace("\n", CRLF).encode(self.charset)
        match self.encoding:
            case "quoted-printable":
                return binascii.b2a_qp(data, istext=True)
            case "base64":
                return base64.encodebytes(data).replace(b"\n", CRLF.encode())
            case "7bit":
                if not data.isascii():
                    raise ValueError("7bit carries ASCII only")
                return data
            case other:
                raise ValueError(f"no such transfer encoding: {other}")
