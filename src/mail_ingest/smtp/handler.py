"""What the door does with each command: who is known, and what is stored."""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog
from aiosmtpd.smtp import Envelope
from aiosmtpd.smtp import Session as SmtpSession

from mail_ingest.connections.address import log_form, recipient_hash
from mail_ingest.mails.arrival import Arrival, Arrivals, Outcome
from mail_ingest.smtp.limits import RefusalLimit
from mail_ingest.smtp.recipients import Recipients
from spojka.errors import Unavailable
from spojka.outbox import new_id

if TYPE_CHECKING:
    from mail_ingest.smtp.session import Session

UNKNOWN: Final = "550 5.1.1 No such mailbox here"
"""The one answer to all that is not a working address, whatever it once was."""

ONE_RECIPIENT: Final = "452 4.5.3 One recipient per mail"
"""The others are sent the mail in transactions of their own."""

TOO_MANY_UNKNOWN: Final = "421 4.7.0 Too many unknown mailboxes"
STORE_SECONDS: Final = 30.0
TEXT_MAX_LENGTH: Final = 320
"""Of a HELO name and of an envelope address, in characters."""

_HIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Handler:
    """The commands of all connections."""

    domain: str
    recipients: Recipients
    arrivals: Arrivals
    refusals: RefusalLimit

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's names and arguments
        self,
        server: "Session",
        session: SmtpSession,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Announce what there is: no AUTH and no HELP."""
        del server, envelope
        session.host_name = hostname
        kept = [line for line in responses if not line.startswith(("250-AUTH", "250 HELP"))]
        return [*kept, "250 ENHANCEDSTATUSCODES"]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names and arguments
        self,
        server: "Session",
        session: SmtpSession,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take one recipient that is a working address. Raises Unavailable."""
        del session, options
        if envelope.rcpt_tos:
            return ONE_RECIPIENT
        hashed = recipient_hash(address, self.domain)
        if hashed is None or not await self.recipients.works(hashed):
            self.refusals.note(server.client)
            log.info("recipient refused", client=server.client)
            # Known recipients are still taken: many senders may share the client's address.
            return TOO_MANY_UNKNOWN if self.refusals.reached(server.client) else UNKNOWN
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def store(self, session: SmtpSession, envelope: Envelope, content: bytes) -> str:
        """Store a mail and answer for it; 250 only where it is stored. Raises Unavailable."""
        hashed = recipient_hash(envelope.rcpt_tos[0], self.domain)
        if hashed is None or not content:
            return "554 5.6.0 There is nothing in this mail"
        sender = envelope.mail_from or ""
        arrival = Arrival(
            id=new_id(),
            local_hash=hashed,
            digest=hashlib.sha256(content).digest(),
            client_ip=_text(_host(session)),
            helo=_text(session.host_name or ""),
            envelope_from="" if sender == "<>" else _text(sender),
            receive_time=datetime.now(UTC),
            raw=content,
        )
        try:
            async with asyncio.timeout(STORE_SECONDS):
                outcome = await self.arrivals.store(arrival)
        except TimeoutError as error:
            raise Unavailable("the mail was not stored in time") from error
        log.info(
            "mail taken",
            mail=str(arrival.id),
            address=log_form(hashed),
            outcome=outcome.value,
            bytes=len(content),
        )
        # The address may have ended since RCPT.
        return UNKNOWN if outcome is Outcome.NO_ADDRESS else "250 2.0.0 OK"


def _host(session: SmtpSession) -> str:
    peer = session.peer
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _text(text: str) -> str:
    return _HIDDEN.sub("\ufffd", text)[:TEXT_MAX_LENGTH]
