"""Verifies services, one after another: their books from their facts, their topics from both.

Nothing is written anywhere. Services may be stopped or run: what differs is
looked at a second time, in a later snapshot, before it is told.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from spojka.delivery.kafka_config import kafka_config
from spojka.settings import Settings
from spojka.topics import Topic
from spojka.verification.model import Checked, Finding, TenantDirectory, Verification
from spojka.verification.report import REMEMBERED_MAX, Report, ServiceReport, identity
from spojka.verification.snapshot import Snapshot, opened
from spojka.verification.topics import LOOKS_MAX, PAUSE_SECONDS, TopicComparison

Login = Callable[[str], str]
"""The URL that reads a schema, by its name."""


async def known_tenants(
    login: Login, schema: str, directory: TenantDirectory
) -> Mapping[str, UUID]:
    """All tenants by name. Raises psycopg.Error."""
    async with opened(login(schema), schema) as snapshot:
        return await directory(snapshot)


async def verify(
    verifications: Sequence[Verification],
    tenants: Mapping[str, UUID],
    login: Login,
    settings: Settings,
    *,
    topics: bool,
) -> Report:
    """Verify these services for these tenants.

    With `topics` what they told is compared, too. Raises psycopg.Error where a
    database can't be read, RequestError where Kafka does not answer,
    SettingsError.
    """
    reports = {}
    for each in verifications:
        work = _ServiceWork(each, list(tenants.values()), login(each.service))
        await work.books()
        if topics:
            await work.topics(settings)
        reports[each.service] = work.report
    return Report(tenants, reports, topics)


class _ServiceWork:
    """One service on its way through verification."""

    def __init__(self, verification: Verification, tenants: Sequence[UUID], url: str) -> None:
        self.report = ServiceReport(verification.service)
        self._verification = verification
        self._tenants = tenants
        self._url = url

    async def books(self) -> None:
        """Derive every tenant's state anew."""
        self.report.checked["tenants"] = len(self._tenants)
        differing: dict[UUID, list[Finding]] = {}
        async with opened(self._url, self._verification.service) as snapshot:
            for tenant in self._tenants:
                found, checked = await self._books_of(snapshot, tenant)
                self.report.take(tenant, checked)
                if found:
                    differing[tenant] = found
        if not differing:
            return
        async with opened(self._url, self._verification.service) as snapshot:
            for tenant, first in differing.items():
                self.report.take(tenant, await self._again(snapshot, tenant, first))

    async def _books_of(
        self, snapshot: Snapshot, tenant: UUID
    ) -> tuple[list[Finding], list[Finding]]:
        """The differences, and what was checked."""
        found: list[Finding] = []
        checked: list[Finding] = []
        await snapshot.enter(tenant)
        async for finding in self._verification.books(snapshot, tenant):
            if isinstance(finding, Checked):
                checked.append(finding)
            elif len(found) < REMEMBERED_MAX:
                found.append(finding)
        return found, checked

    async def _again(
        self, snapshot: Snapshot, tenant: UUID, first: Sequence[Finding]
    ) -> list[Finding]:
        """What of the first look still differs: work in several transactions ends meanwhile."""
        if len(first) == REMEMBERED_MAX:
            return list(first)
        known = {identity(each) for each in first if not isinstance(each, Checked)}
        found, _ = await self._books_of(snapshot, tenant)
        return [each for each in found if not isinstance(each, Checked) and identity(each) in known]

    async def topics(self, settings: Settings) -> None:
        """Compare what was told."""
        if not self._verification.tellings:
            return
        comparison = TopicComparison(
            self._verification,
            self._tenants,
            kafka_config(settings, "spojka-verify"),
            {topic.value: topic.full_name(settings.topic_prefix) for topic in Topic},
        )
        async with opened(self._url, self._verification.service) as snapshot:
            await comparison.begin(snapshot)
        await comparison.listen()
        for _ in range(LOOKS_MAX):
            left = comparison.suspects
            if not left:
                break
            await asyncio.sleep(PAUSE_SECONDS)
            async with opened(self._url, self._verification.service) as snapshot:
                await comparison.look_again(snapshot)
            if comparison.suspects == left:
                break  # It is no matter of time.
        self.report.take(None, comparison.findings())
