"""The part of `spojka verify` that is about bank mail."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from mail_ingest.verification.mails import mails
from mail_ingest.verification.telling import NotifiedTelling
from spojka.verification.model import Finding, Telling
from spojka.verification.snapshot import Snapshot


class MailVerification:
    """Mails and what was told of them; `spojka mail reprocess` judges one anew."""

    service = "mail_ingest"
    tellings: Sequence[Telling] = (NotifiedTelling(),)

    async def books(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
        """Every mail that is kept."""
        async for finding in mails(snapshot, tenant):
            yield finding


VERIFICATION: Final = MailVerification()
