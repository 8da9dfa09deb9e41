"""Requests to an mServer over HTTP: one at a time, answers spooled and limited."""

import asyncio
import base64
import tempfile
from dataclasses import dataclass
from typing import IO, Final, cast

import httpx

from spojka.answer_body import body_of
from spojka.outbound import OutboundPolicy, TargetForbidden
from stock.warehouses.errors import OutcomeUnknown, SettingsInvalid, Unreadable
from stock.warehouses.pohoda.envelope import APPLICATION
from stock.warehouses.pohoda.http_failures import from_exception, from_status
from stock.warehouses.pohoda.settings import PohodaCredentials, PohodaSettings

PATH: Final = "/xml"
MAX_SPOOLED_BYTES: Final = 8 * 1024 * 1024
MAX_EXCHANGE_SECONDS: Final = 3_600
MAX_INSTANCE_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request: its body, its name in the mServer's log, whether it may change something."""

    body: bytes
    instance: str
    changes: bool = False
    check_duplicity: bool = False


def headers(exchange: Exchange, authorization: str) -> dict[str, str]:
    """The headers of a request.

    The mServer wants the credentials in a header of its own and ignores the usual one.
    """
    fields = {
        "Content-Type": "text/xml",
        "STW-Authorization": authorization,
        "STW-Application": APPLICATION,
        "STW-Instance": exchange.instance[:MAX_INSTANCE_CHARACTERS],
        "Accept-Encoding": "gzip, deflate",
        # A kept connection that died unnoticed would leave an import's outcome unknown.
        "Connection": "close",
    }
    if exchange.check_duplicity:
        fields["STW-Check-Duplicity"] = "true"
    return fields


def basic_authorization(credentials: PohodaCredentials) -> str:
    """The value that proves who asks."""
    pair = f"{credentials.username}:{credentials.password}".encode(credentials.charset)
    return "Basic " + base64.b64encode(pair).decode("ascii")


class Transport:
    """The way to one mServer, which works on one request at a time anyway."""

    def __init__(
        self, settings: PohodaSettings, credentials: PohodaCredentials, outbound: OutboundPolicy
    ) -> None:
        """Make the client; nothing is sent. Raises SettingsInvalid where the address is wrong."""
        self._authorization = basic_authorization(credentials)
        self._max_answer_bytes = outbound.max_answer_bytes
        self._timeout = httpx.Timeout(
            settings.read_timeout_seconds, connect=settings.connect_timeout_seconds
        )
        self._one_at_a_time = asyncio.Lock()
        try:
            self._http = outbound.client(settings.url)
        except ValueError as error:
            raise SettingsInvalid({"url": str(error)}) from error

    async def send(self, exchange: Exchange) -> IO[bytes]:
        """Send and give the whole answer as a file, which the caller closes.

        Raises WarehouseError; for a request that changes something,
        OutcomeUnknown from the moment on when it may have arrived.
        """
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(MAX_EXCHANGE_SECONDS):
                    return await self._exchange(exchange)
            except (httpx.HTTPError, TimeoutError, TargetForbidden) as error:
                raise from_exception(error, changes=exchange.changes) from error

    async def close(self) -> None:
        """Close the client."""
        await self._http.aclose()

    async def _exchange(self, exchange: Exchange) -> IO[bytes]:
        fields = headers(exchange, self._authorization)
        async with self._http.stream(
            "POST", PATH, content=exchange.body, headers=fields, timeout=self._timeout
        ) as response:
            error = from_status(response.status_code, changes=exchange.changes)
            if error is not None:
                raise error
            spool = cast("IO[bytes]", tempfile.SpooledTemporaryFile(MAX_SPOOLED_BYTES))  # noqa: SIM115 - the caller closes it
            try:
                await self._receive(response, spool, exchange)
            except BaseException:
                spool.close()
                raise
        spool.seek(0)
        return spool

    async def _receive(
        self, response: httpx.Response, spool: IO[bytes], exchange: Exchange
    ) -> None:
        received = 0
        async for chunk in body_of(response):
            received += len(chunk)
            if received > self._max_answer_bytes:
                message = f"Pohoda's answer is larger than {self._max_answer_bytes} bytes."
                if exchange.changes:
                    raise OutcomeUnknown(message)
                raise Unreadable(message, "Set fewer cards per request for the connection.")
            spool.write(chunk)
