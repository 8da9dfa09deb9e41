"""Delivers mails by SMTP as a bank's own server does: from its address, again after a 4xx."""

import asyncio
import smtplib
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

ATTEMPTS_MAX: Final = 8
FIRST_PAUSE_SECONDS: Final = 0.2
PAUSE_SECONDS_MAX: Final = 5.0
TIMEOUT_SECONDS: Final = 30.0
_PERMANENT: Final = 500


class Refused(Exception):
    """The mail was refused for good (5xx): no real sender tries again."""


class GaveUp(Exception):
    """The mail was not taken within the attempts (4xx, or nobody answered)."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail that was taken, when by the monotonic clock in seconds, and at which attempt."""

    at: float
    attempts: int


@dataclass(slots=True)
class Courier:
    """Brings mails to one SMTP server, and counts what was said to it."""

    host: str
    port: int
    helo: str
    accepted: int = 0
    put_off: int = 0
    """Attempts that ended in a 4xx or without an answer."""
    refused: int = 0
    first_pause_seconds: float = FIRST_PAUSE_SECONDS

    async def deliver(self, raw: bytes, *, sender: str, recipient: str, client_ip: str) -> Accepted:
        """Deliver one mail; returns once it is taken. Raises Refused, GaveUp."""
        pause, said = self.first_pause_seconds, ""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                at = await asyncio.to_thread(self._attempt, raw, sender, recipient, client_ip)
            except (smtplib.SMTPException, OSError) as error:
                code, said = _answer(error)
                if code >= _PERMANENT:
                    self.refused += 1
                    raise Refused(f"{self.host}:{self.port} refused the mail: {said}") from error
            else:
                self.accepted += 1
                return Accepted(at, attempt)
            self.put_off += 1
            if attempt < ATTEMPTS_MAX:
                await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)
        raise GaveUp(f"{self.host}:{self.port} took no mail in {ATTEMPTS_MAX} attempts: {said}")

    def _attempt(self, raw: bytes, sender: str, recipient: str, client_ip: str) -> float:
        wire = smtplib.SMTP(
            self.host,
            self.port,
            local_hostname=self.helo,
            timeout=TIMEOUT_SECONDS,
            source_address=(client_ip, 0),
        )
        try:
            wire.sendmail(sender, [recipient], raw)
            at = time.monotonic()
            with suppress(smtplib.SMTPException, OSError):
                wire.quit()  # the mail is theirs now, however they part
            return at
        finally:
            wire.close()


def _answer(error: Exception) -> tuple[int, str]:
    """What the server said: its code, 0 where it said nothing."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers: Iterable[tuple[int, bytes]] = error.recipients.values()
        code, text = next(iter(answers))
        return code, f"{code} {text.decode('utf-8', 'replace')}"
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        said = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        return error.smtp_code, f"{error.smtp_code} {said}"
    return 0, str(error) or type(error).__name__
