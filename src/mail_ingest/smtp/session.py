"""One SMTP connection: aiosmtpd's protocol with a limit on all that a client can do.

What aiosmtpd leaves open and is closed here: an endless line in DATA grows
without bound; an oversize mail is read for ever; blank lines and most errors
cost the client nothing; an exception in a handler is answered 500, which makes
the sender give the mail up.
"""

import asyncio
import re
import ssl
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
from aiosmtpd.smtp import SMTP

from mail_ingest.smtp.data import MailData
from mail_ingest.smtp.handler import ONE_RECIPIENT, Handler
from spojka.errors import Unavailable

IDLE_SECONDS: Final = 60.0
ERROR_REPLIES_MAX: Final = 20
COMMANDS_MAX: Final = {"*": 20, "MAIL": 100, "RCPT": 200, "DATA": 100, "RSET": 200, "NOOP": 100}
"""Of each kind on one connection."""

COMMAND_BYTES_MAX: Final = 1000
READ_BYTES: Final = 1 << 20
"""More than a transport ever hands over at once, so that a read leaves nothing behind."""

DRAIN_BYTES_MAX: Final = 256 * 1024
"""How much of a mail above the limit is still read, for its sender to get a proper answer."""

_PATH: Final = re.compile(r"\s*<(?:@[^<>:]*:)?([^<>\s]*)>(?:\s+(.*))?\Z")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one connection may take."""

    mail_bytes_max: int
    deadline_seconds: float


class Session(SMTP):
    """A connection that was let in. `left` is called once, when it is over."""

    def __init__(
        self,
        handler: Handler,
        limits: SessionLimits,
        *,
        hostname: str,
        tls: ssl.SSLContext | None,
        client: str,
        left: Callable[["Session"], None],
    ) -> None:
        """Take what the connection needs; nothing is sent before `connection_made`."""
        # aiosmtpd keeps these in its class, for all connections together.
        self.command_size_limits = defaultdict(lambda: COMMAND_BYTES_MAX)
        super().__init__(
            handler,
            data_size_limit=limits.mail_bytes_max,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="Spojka",
            tls_context=tls,
            timeout=min(IDLE_SECONDS, limits.deadline_seconds),
            command_call_limit=COMMANDS_MAX,
            loop=asyncio.get_running_loop(),
        )
        self.client = client
        self._handler = handler
        self._limits = limits
        self._left: Callable[[Session], None] | None = left
        self._deadline: asyncio.TimerHandle | None = None
        self._error_replies = 0
        self._finishing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; called again when TLS begins."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(
                self._limits.deadline_seconds, self.abort, "421 4.4.2 This connection took too long"
            )
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """End; aiosmtpd calls it twice where TLS fails."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(error)
        left, self._left = self._left, None
        if left is not None:
            left(self)

    def abort(self, reply: str) -> None:
        """Send a last reply as far as the client takes it, and cut the connection."""
        transport = self.transport
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(reply.encode() + b"\r\n")
            transport.abort()
        # Under TLS the wire below may still wait for the client.
        wire = self._original_transport
        if isinstance(wire, asyncio.WriteTransport):
            wire.abort()

    def finish(self) -> None:
        """Let a mail that is being sent come to its end; else end now."""
        self._finishing = True
        if self.envelope is None or not self.envelope.mail_from:
            self.abort(_CLOSING)

    async def push(self, status: str | bytes) -> None:
        """Send a reply; 421, or too many that tell of errors, end the connection."""
        text = status if isinstance(status, str) else status.decode("utf-8", "replace")
        if text.startswith("421"):
            await self._hang_up(text)
            return
        # A sender that offers all recipients each time does no wrong.
        if text[:1] in {"4", "5"} and text != ONE_RECIPIENT:
            self._error_replies += 1
            if self._error_replies > ERROR_REPLIES_MAX:
                await self._hang_up("421 4.7.0 Too many errors")
                return
        await super().push(text)

    async def handle_exception(self, error: Exception) -> str:
        """Whatever fails here is our trouble: the sender keeps the mail and tries again."""
        if isinstance(error, Unavailable):
            log.warning("mail not taken", reason=error.message)
        else:
            log.error("mail not taken", exc_info=error)
        return "451 4.3.0 Temporary failure, try again later"

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Read one mail and store it."""
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        assert self.session is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        data = MailData(self._limits.mail_bytes_max, DRAIN_BYTES_MAX)
        while not data.ended and not data.cut:
            chunk = await self._reader.read(READ_BYTES)
            if not chunk:
                raise ConnectionResetError("the client left in the middle of a mail")
            data.feed(chunk)
        if data.cut:
            await self._hang_up("552 5.3.4 This mail is too large")
            return
        if data.rest:
            self._reader.feed_data(data.rest)
        try:
            status = (
                "552 5.3.4 This mail is too large"
                if data.too_large
                else await self._handler.store(self.session, self.envelope, data.content())
            )
        finally:
            self.envelope = self._create_envelope()
        await self.push(status)
        if self._finishing:
            await self._hang_up(_CLOSING)

    async def smtp_VRFY(self, _arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Tell nothing (RFC 5321, section 7.3)."""
        await self.push("252 2.5.2 Send some mail, I'll try my best")

    async def smtp_EXPN(self, _arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """There are no lists."""
        await self.push("502 5.5.1 Not available")

    async def smtp_AUTH(self, _arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Nobody logs in here."""
        await self.push("502 5.5.1 Not available")

    async def smtp_HELP(self, _arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Say what this is."""
        await self.push("214 2.0.0 This server takes banks' notifications")

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        # The address grammar of the email package raises errors of its own on hostile input.
        path = _PATH.match(arg)
        if path is None:
            return None, None
        # aiosmtpd takes an empty address for a missing one.
        return path.group(1) or "<>", path.group(2) or ""

    async def _hang_up(self, reply: str) -> None:
        await super().push(reply)
        if self.transport is not None:
            self.transport.close()
        if self._handler_coroutine is not None:
            # It ends where it awaits next, as after QUIT.
            self._handler_coroutine.cancel()

    async def _handle_client(self) -> None:
        with suppress(ConnectionError):
            await super()._handle_client()


_CLOSING: Final = "421 4.3.2 Closing, try again later"
