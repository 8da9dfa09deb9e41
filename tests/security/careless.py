"""A partner that says back what it was told in confidence, in every way that one can."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

Saying = Callable[[str, str], bytes]
"""Makes an answer of the header's value and the password in it."""


REQUEST_ID: Final = "the-id-of-the-request"
_ID: Final = re.compile(rb' id="([^"]+)"')


def _http(status: int, body: str, *headers: str, kind: str = "text/xml") -> bytes:
    raw = body.encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(raw)}"]
    return "\r\n".join([*lines, *headers, "Connection: close", "", ""]).encode() + raw


def _pack(note: str, content: str = "") -> str:
    rsp = "http://www.stormware.cz/schema/version_2/response.xsd"
    state = "ok" if content else "error"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><rsp:responsePack xmlns:rsp="{rsp}" version="2.0" '
        f'id="{REQUEST_ID}" state="{state}" note="{note}" programVersion="{note}" '
        f'ico="{note}">{content}</rsp:responsePack>'
    )


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


SAYINGS: dict[str, Saying] = {
    "unknown answer": lambda header, password: _http(
        200, f"<answer><header>{header}</header>{_attribute(password)}</answer>"
    ),
    "refusal": lambda header, password: _http(401, f"{header} is wrong: {password}"),
    "forbidden": lambda header, password: _http(403, f"{header}/{password}"),
    "error page": lambda header, password: _http(
        200,
        f"<html><body><h1>Error</h1><pre>STW-Authorization: {header}\n"
        f"password={quote(password, safe='')}\n{_attribute(password)}</pre>",
        kind="text/html",
    ),
    "broken page": lambda header, password: _http(502, f"{header} {password}", kind="text/html"),
    "note": lambda header, password: _http(200, _pack(_attribute(f"heslo {password} {header}"))),
    "other note": lambda _header, password: _http(
        200, _pack(f"{password.encode().hex()} {base64.b64encode(password.encode()).decode()}")
    ),
    "in the version": lambda header, password: _http(
        200, _pack(_attribute(f"{header} {password}"), "<rsp:responsePackItem id='x' state='ok'/>")
    ),
    "in the status line": lambda header, password: f"HTTP/1.1 {password} {header}\r\n\r\n".encode(),
    "in a header": lambda header, password: (
        f"HTTP/1.1 200 OK\r\n{header} {password}\r\nContent-Length: x\r\n\r\n".encode()
    ),
    "in the encoding": lambda _header, password: _http(
        200, "<a/>", f"Content-Encoding: {password}"
    ),
    "redirect": lambda header, password: _http(
        302, "", f"Location: http://127.0.0.1:1/?{quote(header)}&{quote(password)}"
    ),
}


def as_answer_to(asked: bytes, answer: bytes) -> bytes:
    """The answer with the id of the request in place; its length follows."""
    found = _ID.search(asked)
    request_id = found[1] if found else b"none"
    grown = len(request_id) - len(REQUEST_ID)
    length = re.search(rb"Content-Length: ([0-9]+)", answer)
    count = answer.count(REQUEST_ID.encode())
    if length is not None and count:
        longer = int(length[1]) + grown * count
        answer = answer.replace(length[0], f"Content-Length: {longer}".encode(), 1)
    return answer.replace(REQUEST_ID.encode(), request_id)


@dataclass(slots=True)
class Gossip:
    """The partner; `saying` is how it answers from now on."""

    url: str
    saying: Saying
    heard: int = 0


@asynccontextmanager
async def gossiping() -> AsyncIterator[Gossip]:
    """Let it talk for the time of a block."""
    gossip = Gossip("", SAYINGS["refusal"])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            fields = dict(line.partition(": ")[::2] for line in head.splitlines()[1:])
            by_name = {name.lower(): value for name, value in fields.items()}
            asked = await reader.readexactly(int(by_name.get("content-length", 0)))
            header = by_name["stw-authorization"]
            pair = base64.b64decode(header.removeprefix("Basic ")).decode()
            gossip.heard += 1
            writer.write(as_answer_to(asked, gossip.saying(header, pair.partition(":")[2])))
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        gossip.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield gossip
