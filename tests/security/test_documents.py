"""Documents made to reach out, to grow or to sink their reader, at every door that takes one.

Mails with such attachments, by SMTP and through the whole of the mail side:
tests/mail_ingest/hostile; endless mails, lines and commands: tests/mail_ingest/smtp.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from mail_ingest.inspections import MAIL_BYTES_MAX, inspect_mail
from payments.inspections import MAX_JSON_BYTES, inspect_match
from spojka.inspection import InspectError
from spojka.outbound import OutboundPolicy
from stock.inspections import inspect_order, inspect_stock
from stock.warehouses.errors import WarehouseError
from stock.warehouses.pohoda import POHODA
from stock.warehouses.port import CardPage, SystemInfo, WarehouseClient
from tests.mail_ingest.genuineness.signing import mail
from tests.mail_ingest.hostile.bombs import BOMBS
from tests.security.bombs import MEGABYTE, documents, gzip_bomb, nested_gzip_bomb
from tests.security.careless import as_answer_to
from tests.security.memory import forget_peak, peak_bytes, resident_bytes

SECRET: Final = "what-stands-in-the-operators-own-file"
NAMES: Final = sorted(documents("", ""))
GROWTH_MAX_BYTES: Final = 300 * MEGABYTE
SECONDS_MAX: Final = 30.0
ANSWER_MAX_BYTES: Final = 32 * MEGABYTE
MESSAGE_MAX_CHARACTERS: Final = 10_000
Read = Callable[[WarehouseClient], Any]


@dataclass(slots=True)
class Partner:
    """A warehouse system that answers every request with the same bytes."""

    url: str
    body: bytes = b""
    encoding: str = ""
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def answering() -> AsyncIterator[Partner]:
    """Let it answer for the time of a block; what is asked beside /xml is kept, too."""
    partner = Partner("")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            partner.asked.append(head.split(" ")[1])
            length = re.search("(?i)content-length: ([0-9]+)", head)
            asked = await reader.readexactly(int(length[1]) if length else 0)
            body = as_answer_to(asked, partner.body)
            coded = f"Content-Encoding: {partner.encoding}\r\n" if partner.encoding else ""
            writer.write(
                f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n{coded}"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        partner.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield partner


@contextmanager
def bounded() -> Iterator[None]:
    """Fail where a block takes long, or more memory than it may."""
    forget_peak()
    before, begun = resident_bytes(), time.process_time()
    yield
    assert peak_bytes() - before < GROWTH_MAX_BYTES
    assert time.process_time() - begun < SECONDS_MAX


@pytest.mark.parametrize("name", NAMES)
async def test_xml(tmp_path: Path, name: str) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text(SECRET)
    reads: list[Read] = [lambda client: client.test(), lambda client: client.read_full(None, ["M"])]
    async with answering() as partner:
        partner.body = documents(str(secret_file), partner.url)[name]
        client = opened(partner)
        for read in reads:
            with bounded():
                assert SECRET not in await said_by(read, client)
        await client.close()
        file = tmp_path / "stock.xml"
        file.write_bytes(partner.body)
        with bounded():
            assert SECRET not in inspected(lambda: inspect_stock(file, system="pohoda"))
        assert set(partner.asked) == {"/xml"}


def opened(partner: Partner) -> WarehouseClient:
    """A client of the partner."""
    policy = OutboundPolicy(allow_private=True, max_answer_bytes=ANSWER_MAX_BYTES)
    settings = {"url": partner.url, "ico": "12345678"}
    return POHODA.open(settings, {"username": "api", "password": "api"}, policy)


async def said_by(read: Read, client: WarehouseClient) -> str:
    """What came of reading: the answer, or the error for people; never another error."""
    try:
        answer: SystemInfo | CardPage = await read(client)
    except WarehouseError as error:
        assert len(error.message) < MESSAGE_MAX_CHARACTERS  # noqa: PT017 - one of two good ends
        return f"{error.message} {error.advice} {getattr(error, 'fragment', '')}"
    if isinstance(answer, CardPage):
        for card in answer.unreadable:
            assert len(card.problem) + len(card.fragment) < MESSAGE_MAX_CHARACTERS
    return repr(answer)


def inspected(inspection: Callable[[], object]) -> str:
    """What an inspection says: its answer, or its error; never another error."""
    try:
        return repr(inspection())
    except InspectError as error:
        assert len(str(error)) < MESSAGE_MAX_CHARACTERS  # noqa: PT017 - one of two good ends
        return str(error)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", lambda: gzip_bomb(100)),
        ("x-gzip", lambda: gzip_bomb(100)),
        ("deflate", lambda: gzip_bomb(100)),
        ("gzip, gzip, gzip", lambda: nested_gzip_bomb(500)),
        ("gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip", lambda: gzip_bomb(1)),
        ("br", lambda: b"x" * 1000),
        ("zstd", lambda: b"x" * 1000),
        ("gzip", lambda: b"x" * 1000),
        ("gzip", lambda: gzip_bomb(1)[:-10]),
        ("deflate", lambda: b"\xff" * 1000),
    ],
)
async def test_compressed_answers(encoding: str, packed: Callable[[], bytes]) -> None:
    async with answering() as partner:
        partner.body, partner.encoding = packed(), encoding
        client = opened(partner)
        with bounded(), pytest.raises(WarehouseError):
            await client.test()
        await client.close()


async def test_an_answer_that_grows_is_left_at_the_limit() -> None:
    async with answering() as partner:
        partner.body, partner.encoding = gzip_bomb(100), "gzip"
        client = opened(partner)
        with pytest.raises(WarehouseError, match=str(ANSWER_MAX_BYTES)):
            await client.read_full(None, ["M"])
        await client.close()


JSON_BOMBS: Final = {
    "deep lists": "[" * 200_000,
    "deep objects": '{"a":' * 100_000,
    "closed deep lists": "[" * 50_000 + "]" * 50_000,
    "deep in a field": '{"lines": ' + "[" * 50_000 + "]" * 50_000 + "}",
    "huge number": '{"total": ' + "9" * 1_000_000 + "}",
    "huge exponent": '{"total": 1e999999999, "amount": {"amount": 1e999999999}}',
    "huge decimal": '{"total": "1e999999999", "amount": {"currency": "CZK", "amount": "1e9999"}}',
    "not a number": '{"total": NaN, "amount": {"amount": Infinity}}',
    "many keys": json.dumps({f"k{number}": number for number in range(100_000)}),
    "many lines": json.dumps({"lines": [{}] * 20_000}),
    "many orders": json.dumps([{}] * 200_000),
    "huge text": json.dumps({"note": "x" * 10_000_000, "message": "x" * 10_000_000}),
    "surrogates": '{"note": "\\ud800", "number": "\\u0000", "message": "\\udfff"}',
    "no JSON": "\0" * 1000,
    "nothing": "",
}


ORDER: Final = {
    "channel_id": "shop",
    "channel_order_id": "1",
    "currency": "CZK",
    "customer": {"name": "Jana"},
    "payment_method": "PAYMENT_METHOD_CASH",
    "lines": [{"name": "A", "product_number": "A", "quantity": "1", "unit_price": "1"}],
}
PAYMENT: Final = {
    "amount": {"currency": "CZK", "amount": "1250.00"},
    "value_date": "2026-11-20",
    "variable_symbol": "1",
}


@dataclass(frozen=True, slots=True)
class Files:
    """Good files beside a bad one, so that the bad one is what is met."""

    bad: Path
    order: Path
    orders: Path
    payment: Path

    @staticmethod
    def in_folder(folder: Path, bad: str) -> "Files":
        files = Files(*(folder / name for name in ("bad", "order", "orders", "payment")))
        files.bad.write_text(bad, encoding="utf-8")
        files.order.write_text(json.dumps(ORDER))
        files.orders.write_text(json.dumps([ORDER | {"id": "a", "number": "1"}]))
        files.payment.write_text(json.dumps(PAYMENT))
        return files

    def inspections(self) -> list[Callable[[], object]]:
        """Every question that a JSON file is a part of, with the bad one in each place."""
        return [
            lambda: inspect_order(self.bad, system="pohoda"),
            lambda: inspect_order(self.order, system="pohoda", connection=self.bad),
            lambda: inspect_match(payment=self.bad, orders=self.orders),
            lambda: inspect_match(payment=self.payment, orders=self.bad),
            lambda: inspect_match(payment=self.payment, orders=self.orders, rules=self.bad),
        ]


def test_good_files_are_good(tmp_path: Path) -> None:
    files = Files.in_folder(tmp_path, "{}")
    assert inspect_order(files.order, system="pohoda")["requests"]
    assert inspect_match(payment=files.payment, orders=files.orders)["summary"]


@pytest.mark.parametrize("name", JSON_BOMBS)
def test_json(tmp_path: Path, name: str) -> None:
    for inspection in Files.in_folder(tmp_path, JSON_BOMBS[name]).inspections():
        with bounded():
            inspected(inspection)


@pytest.mark.parametrize("name", BOMBS)
def test_mails(tmp_path: Path, name: str) -> None:
    file, evidence = tmp_path / "mail.eml", tmp_path / "evidence.json"
    evidence.write_text("{}")
    file.write_bytes(BOMBS[name](Random(1), mail()))
    with bounded():
        inspected(lambda: inspect_mail(file, evidence=evidence))


@pytest.mark.parametrize("name", sorted(set(JSON_BOMBS) - {"huge text"}))
def test_evidence_of_mails(tmp_path: Path, name: str) -> None:
    file, evidence = tmp_path / "mail.eml", tmp_path / "evidence.json"
    file.write_bytes(mail())
    evidence.write_text(JSON_BOMBS[name], encoding="utf-8")
    with bounded():
        inspected(lambda: inspect_mail(file, evidence=evidence))


def test_files_above_the_limit_are_not_read(tmp_path: Path) -> None:
    files = Files.in_folder(tmp_path, "")
    doors = [(MAX_JSON_BYTES, each) for each in files.inspections()]
    doors.append((MAIL_BYTES_MAX, lambda: inspect_mail(files.bad, evidence=files.payment)))
    for limit, inspection in doors:
        with files.bad.open("wb") as stream:
            stream.truncate(limit + 1)
        with bounded(), pytest.raises(InspectError, match=str(limit)):
            inspection()
