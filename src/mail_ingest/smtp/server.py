"""The listening SMTP port."""

import asyncio
import logging
import ssl
import time
from pathlib import Path
from typing import Final

import structlog

from mail_ingest.mails.arrival import Arrivals
from mail_ingest.smtp.handler import Handler
from mail_ingest.smtp.limits import ConnectionLimit, RefusalLimit, client_key
from mail_ingest.smtp.recipients import Recipients
from mail_ingest.smtp.session import Session, SessionLimits
from spojka.database import Database
from spojka.settings import Settings, SettingsError

STOP_GRACE_SECONDS: Final = 10.0
BACKLOG_CONNECTIONS: Final = 128

log = structlog.get_logger()


class SmtpServer:
    """Lets connections in up to the limits, and gives each a session."""

    def __init__(self, database: Database, settings: Settings, arrivals: Arrivals) -> None:
        """Remember where to listen; `start` binds.

        Raises SettingsError where the certificate can't be used.
        """
        self._host, self.port = settings.smtp_host, settings.smtp_port
        self._domain = settings.mail_domain
        self._limits = SessionLimits(settings.mail_max_bytes, settings.smtp_deadline_seconds)
        self._tls = _tls_context(settings.smtp_tls_certificate, settings.smtp_tls_key)
        self._open = ConnectionLimit(
            settings.smtp_connections_max, settings.smtp_connections_per_ip_max
        )
        self._handler = Handler(
            self._domain,
            Recipients(database, time.monotonic),
            arrivals,
            RefusalLimit(time.monotonic),
        )
        self.sessions: set[Session] = set()
        self._empty = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        # aiosmtpd writes recipients and commands into its log, and recipients are secrets here.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Doorkeeper(self), self._host, self.port, backlog=BACKLOG_CONNECTIONS
        )
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("taking mails", host=self._host, port=self.port, starttls=self._tls is not None)

    async def stop(self) -> None:
        """Take no more connections, let mails that are being sent end, and cut the rest."""
        if self._server is None:
            return
        self._server.close()
        for session in list(self.sessions):
            session.finish()
        try:
            async with asyncio.timeout(STOP_GRACE_SECONDS):
                while self.sessions:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            for session in list(self.sessions):
                session.abort("421 4.3.2 Closing, try again later")
        await self._server.wait_closed()

    def admit(self, host: str) -> Session | None:
        """A session for a client at `host`; None where there are too many."""
        client = client_key(host)
        if not self._open.enter(client):
            log.info("connection refused: too many", client=client, open=self._open.total)
            return None
        session = Session(
            self._handler,
            self._limits,
            hostname=self._domain,
            tls=self._tls,
            client=client,
            left=self._left,
        )
        self.sessions.add(session)
        return session

    def _left(self, session: Session) -> None:
        self._open.leave(session.client)
        self.sessions.discard(session)
        if not self.sessions:
            self._empty.set()


class _Doorkeeper(asyncio.Protocol):
    """The protocol of a connection until it is known whether there is room for it."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        session = self._server.admit(str(peer[0]) if peer else "")
        if session is None:
            transport.write(b"421 4.7.0 Too many connections, try again later\r\n")
            transport.close()
            return
        transport.set_protocol(session)
        session.connection_made(transport)


def _tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"SPOJKA_SMTP_TLS_CERTIFICATE and SPOJKA_SMTP_TLS_KEY can't be used: {error}"
        ) from error
    return context
