"""The bytes of one mail, collected from the wire until CRLF "." CRLF.

Only that sequence ends a mail (RFC 5321, section 4.1.1.4): a dot between bare
LFs or bare CRs is content, so that a sender can't smuggle a second mail into
the first. What is held never exceeds the limit by more than one read, however
long a line is.
"""

from typing import Final

_END: Final = b"\r\n.\r\n"
_CRLF: Final = b"\r\n"


class MailData:
    """Collects one mail. `ended` and `cut` say when to stop feeding."""

    def __init__(self, size_bytes_max: int, drain_bytes_max: int) -> None:
        """Keep up to `size_bytes_max`; drop up to `drain_bytes_max` more, waiting for the end."""
        self._size_max = size_bytes_max
        self._total_max = size_bytes_max + drain_bytes_max
        # A mail begins at the start of a line: this CRLF is not part of it.
        self._held = bytearray(_CRLF)
        self._seen_bytes = 0
        self.ended = False
        self.too_large = False
        self.rest = b""

    @property
    def cut(self) -> bool:
        """Whether it is so far above the limit that its end is not waited for."""
        return not self.ended and self._seen_bytes > self._total_max

    def feed(self, chunk: bytes) -> None:
        """Take what came; after the end, `rest` is what follows it."""
        searched = max(0, len(self._held) - len(_END) + 1)
        self._held += chunk
        self._seen_bytes += len(chunk)
        end = self._held.find(_END, searched)
        if end >= 0:
            self.ended = True
            self.rest = bytes(self._held[end + len(_END) :])
            del self._held[end + len(_CRLF) :]
        if len(self._held) - len(_CRLF) > self._size_max:
            self.too_large = True
        if self.too_large and not self.ended:
            # The end may lie across two reads, so its possible beginning stays.
            del self._held[: -len(_END) + 1]

    def content(self) -> bytes:
        """The mail, its doubled dots single again (RFC 5321, section 4.5.2)."""
        return bytes(self._held).replace(b"\r\n.", _CRLF)[len(_CRLF) :]
