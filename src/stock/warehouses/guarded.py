"""A warehouse system's client as the rest of the service uses it: what it says holds no secret.

A system may echo the credentials it was sent: in an error's text, in a page
of a proxy. What is kept, logged or shown of its words passes here first, so
that no connector need think of it. Data (names, numbers) stays as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from spojka.outbound import OutboundPolicy
from spojka.redaction import Redaction
from stock.warehouses.errors import Unreadable, WarehouseError
from stock.warehouses.port import (
    Acknowledgement,
    Card,
    CardKey,
    CardPage,
    Document,
    OrderDocument,
    Probe,
    SystemInfo,
    WarehouseClient,
    WarehouseInfo,
    WarehouseSystem,
)


def open_client(
    system: WarehouseSystem,
    settings: Mapping[str, str],
    credentials: Mapping[str, str],
    outbound: OutboundPolicy,
) -> WarehouseClient:
    """Make a client that lets none of its credentials out. Raises SettingsInvalid."""
    client = system.open(settings, credentials, outbound)
    return _GuardedClient(client, Redaction(credentials.values()))


@dataclass(frozen=True, slots=True)
class _GuardedClient:
    inner: WarehouseClient
    redaction: Redaction

    async def test(self) -> SystemInfo:
        with self._guarded():
            info = await self.inner.test()
        return SystemInfo(self.redaction.of(info.summary))

    async def warehouses(self) -> Sequence[WarehouseInfo]:
        with self._guarded():
            return await self.inner.warehouses()

    async def read_full(self, position: str | None, warehouses: Sequence[str]) -> CardPage:
        with self._guarded():
            return self._page(await self.inner.read_full(position, warehouses))

    async def read_changes(
        self, cursor: str, position: str | None, warehouses: Sequence[str]
    ) -> CardPage:
        with self._guarded():
            return self._page(await self.inner.read_changes(cursor, position, warehouses))

    async def read_cards(self, keys: Sequence[CardKey]) -> Sequence[Card]:
        with self._guarded():
            return await self.inner.read_cards(keys)

    async def probe(self, cursor: str | None) -> Probe:
        with self._guarded():
            return await self.inner.probe(cursor)

    async def create_document(self, document: OrderDocument, *, resend: bool) -> Acknowledgement:
        with self._guarded():
            acknowledged = await self.inner.create_document(document, resend=resend)
        return replace(acknowledged, warnings=tuple(map(self.redaction.of, acknowledged.warnings)))

    async def find_document(self, external_id: str, number: str) -> Document | None:
        with self._guarded():
            return await self.inner.find_document(external_id, number)

    async def read_documents(self, document_ids: Sequence[str]) -> Sequence[Document]:
        with self._guarded():
            return await self.inner.read_documents(document_ids)

    async def delete_document(self, document_id: str) -> None:
        with self._guarded():
            await self.inner.delete_document(document_id)

    async def close(self) -> None:
        await self.inner.close()

    def _page(self, page: CardPage) -> CardPage:
        if not page.unreadable:
            return page
        unreadable = [
            replace(
                card,
                problem=self.redaction.of(card.problem),
                fragment=self.redaction.of(card.fragment),
            )
            for card in page.unreadable
        ]
        return replace(page, unreadable=unreadable)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except WarehouseError as error:
            error.message = self.redaction.of(error.message)
            error.advice = self.redaction.of(error.advice)
            error.args = (error.message,)
            if isinstance(error, Unreadable):
                error.fragment = self.redaction.of(error.fragment)
            # What it was caused by holds the partner's words as they came.
            raise error from None
