"""Verifies services, one after another: their books from their facts, their topics from both.

Nothing is written anywhere. Services may be stopped or run: what differs is
looked at a second time, in a later snapshot, before it is told.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg

from spojka.delivery.kafka_config import kafka_config
from spojka.settings import Settings
from spojka.topics import Topic
from spojka.verification.model import (
    Checked,
    Finding,
    TenantDirectory,
    Verification,
    registered_verifications,
)
from spojka.verification.report import REMEMBERED_MAX, Report, ServiceReport, identity
from spojka.verification.snapshot import Snapshot, opened
from spojka.verification.strangers import Searched, search, sees_all, with_events
from spojka.verification.taken_comparison import TakenComparison
from spojka.verification.topics import LOOKS_MAX, PAUSE_SECONDS, TopicComparison

Login = Callable[[str], str]
"""The URL that reads a schema, by its name."""


@dataclass(frozen=True, slots=True)
class Census:
    """Who there is: for finding what is of nobody.

    `tenants` reads the directory anew. `url` is of a role that row-level
    security may not bind; None where there is none.
    """

    tenants: Callable[[], Awaitable[Mapping[str, UUID]]]
    url: str | None


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
    census: Census | None = None,
) -> Report:
    """Verify these services for these tenants.

    With `topics` what they told is compared, too; with a `census`, `tenants`
    are all of them, and whatever is of another one is found. Raises
    psycopg.Error where a database can't be read, RequestError where Kafka does
    not answer, SettingsError.
    """
    works = [_ServiceWork(each, list(tenants.values()), login) for each in verifications]
    for work in works:
        await work.books()
        await work.taken(settings, topics=topics)
        if topics:
            await work.topics(settings)
        if census is not None:
            await work.search(census.url)
    if census is not None:
        # Whoever was added meanwhile was known to the directory before anything was stored of them.
        known = frozenset((await census.tenants()).values())
        for work in works:
            work.report_strangers(known)
    return Report(tenants, {work.report.service: work.report for work in works}, topics)


class _ServiceWork:
    """One service on its way through verification."""

    def __init__(self, verification: Verification, tenants: Sequence[UUID], login: Login) -> None:
        self.report = ServiceReport(verification.service)
        self._verification = verification
        self._tenants = tenants
        self._login = login
        self._url = login(verification.service)
        self._searched: Searched | None = None
        self._telling: Mapping[UUID, set[str]] = {}

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

    async def taken(self, settings: Settings, *, topics: bool) -> None:
        """Compare what it took of others with what they say, and said."""
        if not self._verification.takings:
            return
        owners = [
            each
            for each in registered_verifications().values()
            if each.service != self._verification.service
        ]
        comparison = TakenComparison(self._verification, owners, self._tenants, self._login)
        if topics:
            comparison.listen_to(kafka_config(settings, "spojka-verify"), settings.topic_prefix)
        for tenant, finding in await comparison.compare():
            self.report.take(tenant, [finding])

    async def search(self, url: str | None) -> None:
        """Search its tables for tenants that are not known."""
        async with self._unbound(url) as snapshot:
            self._searched = await search(snapshot, self._verification.service, self._tenants)

    @asynccontextmanager
    async def _unbound(self, url: str | None) -> AsyncIterator[Snapshot]:
        """A snapshot by the role that no policy binds, or by the service's own without one."""
        schema = self._verification.service
        if url is not None and await _sees_all(url, schema):
            async with opened(url, schema) as snapshot:
                yield snapshot
        else:
            async with opened(self._url, schema) as snapshot:
                yield snapshot

    def report_strangers(self, known: frozenset[UUID]) -> None:
        """Tell of tenants that the directory does not know by now."""
        if self._searched is not None:
            self.report.take(None, self._searched.findings(known))
        unknown = {tenant: told for tenant, told in self._telling.items() if tenant not in known}
        self.report.take(None, (with_events(*each) for each in sorted(unknown.items())))

    async def topics(self, settings: Settings) -> None:
        """Compare what was told."""
        tellings = self._verification.tellings(settings)
        if not tellings:
            return
        comparison = TopicComparison(
            tellings,
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
        self._telling = comparison.strangers(self._tenants)


async def _sees_all(url: str, schema: str) -> bool:
    try:
        async with opened(url, schema) as snapshot:
            return await sees_all(snapshot)
    except psycopg.OperationalError:
        return False  # The services' own roles are let in, and can be asked.
