"""A line between a client and a server that a test cuts and lays again."""

import asyncio
from contextlib import suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from spojka.servers.ports import LOOPBACK, free_port


class Line:
    """A way to a server: `port` is this end of it."""

    def __init__(self, host: str, port: int) -> None:
        """Remember the server; the line is not laid yet."""
        self._there = host, port
        self._server: asyncio.Server | None = None
        self._carried: set[asyncio.Task[None]] = set()
        self._speaks = asyncio.Event()
        self._speaks.set()
        self.port = free_port()

    async def lay(self) -> None:
        """Let connections be made, at the same place every time."""
        self._server = await asyncio.start_server(self._carry, LOOPBACK, self.port)

    async def cut(self) -> None:
        """Break the connections that stand, and let none be made."""
        assert self._server is not None
        self._server.close()
        for task in self._carried:
            task.cancel()
        await asyncio.gather(*self._carried, return_exceptions=True)

    def hush(self) -> None:
        """Carry nothing any more; connections stand, as those to a host that stands still."""
        self._speaks.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carried.add(task)
        try:
            there_reader, there_writer = await asyncio.open_connection(*self._there)
            try:
                await asyncio.gather(
                    self._pump(reader, there_writer), self._pump(there_reader, writer)
                )
            finally:
                await _close(there_writer)
        except asyncio.CancelledError:
            pass  # cut: asyncio's server would report it
        finally:
            await _close(writer)
            self._carried.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while read := await reader.read(65_536):
                await self._speaks.wait()
                writer.write(read)
            writer.write_eof()


class DatabaseLine(Line):
    """A way to PostgreSQL: `url` leads to this end of it."""

    def __init__(self, url: str) -> None:
        """Remember the server; the line is not laid yet."""
        there = conninfo_to_dict(url)
        super().__init__(str(there["host"]), int(str(there["port"])))
        self.url = make_conninfo(url, host=LOOPBACK, port=self.port)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
