"""Resetting a client's connection, which HTTP servers do not offer on purpose."""

import asyncio
from dataclasses import dataclass

from starlette.datastructures import Address as ClientAddress
from uvicorn.protocols.http.h11_impl import H11Protocol

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Connection:
    transport: asyncio.Transport
    closed: asyncio.Event


class Connections:
    """The open connections by the client's address."""

    def __init__(self) -> None:
        self._open: dict[Address, _Connection] = {}

    def protocol(self) -> type[H11Protocol]:
        """Make the protocol class for uvicorn that reports its connections here."""
        known = self._open

        class ReportingProtocol(H11Protocol):
            """HTTP/1.1 whose transports can be found by address."""

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                self._address: Address = transport.get_extra_info("peername")[:2]
                known[self._address] = _Connection(transport, asyncio.Event())

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                known.pop(self._address).closed.set()

        return ReportingProtocol

    async def reset(self, client: ClientAddress | None) -> None:
        """Close the client's connection at once; bytes not yet sent are lost."""
        connection = self._open.get((client.host, client.port)) if client else None
        if connection is not None:
            connection.transport.abort()
            await connection.closed.wait()
