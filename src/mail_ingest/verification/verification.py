"""The part of `spojka verify` that is about bank mail."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from mail_ingest.verification.mails import mails
from mail_ingest.verification.telling import NotifiedTelling, kept_since
from spojka.settings import Settings
from spojka.verification.model import Finding, Retelling, Taking, Telling
from spojka.verification.snapshot import Snapshot


class MailVerification:
    """Mails and what was told of them; `spojka mail reprocess` judges one anew."""

    service = "mail_ingest"
    retellings: Sequence[Retelling] = ()
    takings: Sequence[Taking] = ()

    def tellings(self, settings: Settings) -> Sequence[Telling]:
        """Movements of mails that are kept: what was told of the others is forgotten here."""
        return (NotifiedTelling(kept_since(settings.mail_retention_days, datetime.now(UTC))),)

    async def books(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
        """Every mail that is kept."""
        async for finding in mails(snapshot, tenant):
            yield finding


VERIFICATION: Final = MailVerification()
