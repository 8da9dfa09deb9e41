"""Support questions answered offline: what a file says, and what an order would send."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, BinaryIO, Final, cast
from urllib.parse import urlsplit

from stock.warehouses.pohoda.charset import CHUNK_BYTES, actual_charset, chunks_of
from stock.warehouses.pohoda.fields import CREDENTIALS
from stock.warehouses.pohoda.order_request import write_order
from stock.warehouses.pohoda.settings import parse_settings
from stock.warehouses.pohoda.stock_answer import StockAnswer, unreadable_cards
from stock.warehouses.pohoda.texts import document_key
from stock.warehouses.pohoda.transport import MAX_SPOOLED_BYTES, PATH, Exchange, headers
from stock.warehouses.port import Card, HttpRequest, OrderDocument, UnreadableCard

_EXAMPLE: Final = {"url": "http://pohoda.example.com:444", "ico": "12345678"}


def inspect_stock(stream: BinaryIO) -> Iterator[Card]:
    """Yield the cards of any Pohoda answer with stock.

    Raises what an error of the three levels stands for, and Unreadable
    where it isn't such an answer or some cards can't be read (after the others).
    """
    unreadable: list[UnreadableCard] = []
    with tempfile.SpooledTemporaryFile(MAX_SPOOLED_BYTES) as spool:
        document = cast("IO[bytes]", spool)
        while chunk := stream.read(CHUNK_BYTES):
            document.write(chunk)
        charset = actual_charset(document)
        for card in StockAnswer().read(chunks_of(document), charset):
            if isinstance(card, Card):
                yield card
            else:
                unreadable.append(card)
    if unreadable:
        raise unreadable_cards(unreadable)


def inspect_requests(document: OrderDocument, settings: Mapping[str, str]) -> Sequence[HttpRequest]:
    """What would be sent to import the order, without secrets.

    Address and IČO may be missing from the settings: examples stand in for them.
    Raises SettingsInvalid, and Refused as the import itself would.
    """
    given = {name: text for name, text in settings.items() if name not in CREDENTIALS}
    parsed = parse_settings({**_EXAMPLE, **{k: text for k, text in given.items() if text.strip()}})
    body = write_order(document, parsed)
    exchange = Exchange(
        body, document_key(document.external_id), changes=True, check_duplicity=True
    )
    return [
        HttpRequest(
            method="POST",
            path=urlsplit(parsed.url).path + PATH,
            headers=headers(exchange, "Basic ***"),
            body=body.decode(parsed.encoding),
        )
    ]
