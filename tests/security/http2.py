"""HTTP/2 frames by hand (RFC 9113): what no well-behaved client sends."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
CONTINUATION: Final = 9
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
ACK: Final = 0x1
CANCEL: Final = 8
HEADER_TABLE_SIZE, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE = 1, 3, 4, 6
_FRAME_HEAD_BYTES: Final = 9


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    """The bytes of a frame."""
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def settings(**values: int) -> bytes:
    """A SETTINGS frame; the names are those of this module in lower case."""
    pairs = (struct.pack("!HI", globals()[name.upper()], value) for name, value in values.items())
    return frame(SETTINGS, b"".join(pairs))


def header(name: str, value: bytes | str) -> bytes:
    """A header field, literal and never indexed (RFC 7541 §6.2.3)."""
    raw = value.encode() if isinstance(value, str) else value
    return b"\x10" + _text(name.encode()) + _text(raw)


def _text(raw: bytes) -> bytes:
    length = len(raw)
    if length < 127:
        return bytes([length]) + raw
    octets, length = bytearray([127]), length - 127
    while length >= 128:
        octets.append(length % 128 + 128)
        length //= 128
    octets.append(length)
    return bytes(octets) + raw


def call_headers(path: str, *more: tuple[str, bytes | str]) -> bytes:
    """The header block of a gRPC call."""
    fields: list[tuple[str, bytes | str]] = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "edge"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        *more,
    ]
    return b"".join(header(name, value) for name, value in fields)


def message(body: bytes) -> bytes:
    """A gRPC message, not compressed, in a DATA frame's payload."""
    return b"\0" + struct.pack("!I", len(body)) + body


@dataclass(slots=True)
class Wire:
    """One connection; everything that comes is read and kept."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    frames: list[Frame] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, *parts: bytes) -> bool:
        """Send; whether the other side still took it."""
        try:
            self.writer.write(b"".join(parts))
            await self.writer.drain()
        except ConnectionError:
            return False
        return not self.ended.is_set()

    async def read(self) -> None:
        """Read until the other side closes."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await self.reader.readexactly(_FRAME_HEAD_BYTES)
                length = int.from_bytes(head[:3])
                kind, flags, stream = struct.unpack("!BBI", head[3:])
                payload = await self.reader.readexactly(length)
                self.frames.append(Frame(kind, flags, stream, payload))
                if kind == SETTINGS and not flags & ACK:
                    self.writer.write(frame(SETTINGS, flags=ACK))
        self.ended.set()

    def setting(self, name: int) -> int | None:
        """What the other side announced of a setting."""
        for each in self.frames:
            if each.kind == SETTINGS and not each.flags & ACK:
                for place in range(0, len(each.payload), 6):
                    key, value = struct.unpack_from("!HI", each.payload, place)
                    if key == name:
                        return int(value)
        return None

    def came(self, kind: int) -> list[Frame]:
        """The frames of a kind."""
        return [each for each in self.frames if each.kind == kind]


@asynccontextmanager
async def wired(port: int, *, preface: bytes = PREFACE + frame(SETTINGS)) -> AsyncIterator[Wire]:
    """A connection for the time of a block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    wire = Wire(reader, writer)
    reading = asyncio.create_task(wire.read())
    try:
        await wire.send(preface)
        yield wire
    finally:
        reading.cancel()
        writer.close()
        with suppress(ConnectionError, asyncio.CancelledError):
            await reading
