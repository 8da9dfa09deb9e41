"""The topics against the database: the last word on each subject is what is stored.

Events that still wait in the outbox count as told. Services may run meanwhile:
a subject whose last word is not what is stored is looked at again, with a later
snapshot and what came to the topic since, before it is called a difference.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Final
from uuid import UUID

from spojka.delivery.kafka_config import KafkaConfig
from spojka.verification.hearing import Ear, Heard
from spojka.verification.model import (
    GONE,
    Checked,
    Difference,
    Finding,
    State,
    Telling,
    content_of,
    version_of,
)
from spojka.verification.snapshot import Snapshot

LOOKS_MAX: Final = 3
"""After the first, as long as fewer suspects are left each time."""
PAUSE_SECONDS: Final = 1.0
"""Before another look: a transaction that Kafka acknowledged is readable a moment later."""

_WAITING: Final = "SELECT type, key, value FROM outbox WHERE topic = %s ORDER BY lane, number"


@dataclass(slots=True)
class _Comparison:
    """One telling: what the database states, what waits, what was heard."""

    heard: Heard
    tenants: frozenset[str]
    stated: dict[str, State] = field(default_factory=dict)
    waiting: dict[str, State] = field(default_factory=dict)
    suspects: set[str] = field(default_factory=set)

    @property
    def telling(self) -> Telling:
        return self.heard.telling

    def said(self, subject: str) -> State:
        """The last word: of a subject that is told and waits, too, the higher version."""
        told, waits = self.heard.last.get(subject, GONE), self.waiting.get(subject)
        if waits is None:
            return told
        return max(told, waits, key=version_of) if told and waits else waits

    def agree(self, said: State, stated: State) -> bool:
        """Whether the last word is what the database states."""
        if self.telling.exact or not (said and stated):
            return said == stated
        same = content_of(said) == content_of(stated)
        return same and version_of(said) <= version_of(stated)

    def ours(self, subject: str) -> bool:
        """Whether the subject is of a tenant that is looked at."""
        return subject.partition("/")[0] in self.tenants

    def suspect_all(self, *, complete: bool) -> int:
        """Note every subject that does not agree; returns how many the topic forgot by age."""
        forgotten = 0
        for subject, state in self.stated.items():
            said = self.said(subject)
            if self.agree(said, state):
                continue
            if said == GONE and not complete:
                forgotten += 1
            else:
                self.suspects.add(subject)
        self.suspects.update(
            subject
            for subject in {**self.heard.last, **self.waiting}
            if subject not in self.stated and self.said(subject) != GONE and self.ours(subject)
        )
        return forgotten

    def strangers(self, known: Collection[str]) -> set[str]:
        """The tenants of subjects that are told of and are not known."""
        told = chain(self.heard.last.items(), self.waiting.items())
        return {subject.partition("/")[0] for subject, state in told if state} - {*known}

    def clear_suspects(self) -> None:
        """Drop the suspects that agree by now, or were seen to agree since the last look."""
        self.suspects = {subject for subject in self.suspects if self._differs(subject)}

    def _differs(self, subject: str) -> bool:
        stated = self.stated.get(subject, GONE)
        words = {self.said(subject), *self.heard.newly.get(subject, ())}
        return not any(self.agree(said, stated) for said in words)


class TopicComparison:
    """Compares what one service tells with its topics, for some tenants."""

    def __init__(
        self,
        tellings: Sequence[Telling],
        tenants: Sequence[UUID],
        config: KafkaConfig,
        topic_names: Mapping[str, str],
    ) -> None:
        """`topic_names` are the full names of topics."""
        self._tenants = tenants
        ids = frozenset(map(str, tenants))
        self._comparisons = [_Comparison(Heard(each), ids) for each in tellings]
        by_topic: dict[str, list[Heard]] = {}
        for each in self._comparisons:
            by_topic.setdefault(each.telling.topic.value, []).append(each.heard)
        self._ears = {
            topic: Ear(config, topic_names[topic], heard) for topic, heard in by_topic.items()
        }
        self._forgotten: dict[str, int] = {}

    async def begin(self, snapshot: Snapshot) -> None:
        """Take what the database states in this moment."""
        for each in self._comparisons:
            each.waiting = await self._waiting(snapshot, each.telling)
            each.stated = await self._stated(snapshot, each.telling, None)

    async def listen(self) -> None:
        """Read the topics from their beginning. Raises RequestError."""
        await self._read()
        for each in self._comparisons:
            complete = self._ears[each.telling.topic.value].complete
            self._forgotten[each.telling.what] = each.suspect_all(complete=complete)

    @property
    def suspects(self) -> int:
        """How many subjects are left to be looked at again."""
        return sum(len(each.suspects) for each in self._comparisons)

    async def look_again(self, snapshot: Snapshot) -> None:
        """Compare the suspects with a later snapshot, and with what came to the topics since."""
        for each in self._comparisons:
            each.heard.watched = each.suspects
            if each.suspects:
                each.waiting = await self._waiting(snapshot, each.telling)
                each.stated = await self._stated(snapshot, each.telling, each.suspects)
        await self._read()
        for each in self._comparisons:
            each.clear_suspects()

    def findings(self) -> Iterator[Finding]:
        """What was compared, and what does not agree."""
        for each in self._comparisons:
            what = each.telling.what
            yield Checked(f"{each.telling.topic.value}: events of {what}", each.heard.events)
            forgotten = self._forgotten[what]
            if forgotten:
                yield Checked(f"{each.telling.topic.value}: {what} gone by age", forgotten)
            for fault in each.heard.faults:
                if each.ours(fault.subject):
                    yield Difference(
                        what, fault.subject, "event", fault.stored, fault.rebuilt, fault.meaning
                    )
            for subject in sorted(each.suspects):
                yield _difference(each, subject)

    def strangers(self, known: Collection[UUID]) -> Mapping[UUID, set[str]]:
        """The topics that tell of tenants that are not known, by tenant."""
        names = set(map(str, known))
        found: dict[UUID, set[str]] = {}
        for each in self._comparisons:
            for tenant in each.strangers(names):
                with suppress(ValueError):  # No key of ours: its telling can't be read.
                    found.setdefault(UUID(tenant), set()).add(each.telling.topic.value)
        return found

    async def _read(self) -> None:
        for ear in self._ears.values():
            await asyncio.to_thread(ear.listen)

    async def _waiting(self, snapshot: Snapshot, telling: Telling) -> dict[str, State]:
        waiting: dict[str, State] = {}
        async for type_, key, value in snapshot.stream(_WAITING, [telling.topic.value]):
            told = telling.heard(type_, key, value)
            if told is not None:
                waiting[told[0]] = told[1]
        return waiting

    async def _stated(
        self, snapshot: Snapshot, telling: Telling, wanted: set[str] | None
    ) -> dict[str, State]:
        stated: dict[str, State] = {}
        for tenant in self._tenants:
            await snapshot.enter(tenant)
            stated |= {
                subject: state
                async for subject, state in telling.stated(snapshot, tenant)
                if wanted is None or subject in wanted
            }
        return stated


def _difference(comparison: _Comparison, subject: str) -> Difference:
    telling = comparison.telling
    stated, said = comparison.stated.get(subject, GONE), comparison.said(subject)
    if said == GONE:
        meaning = "neither the topic nor the outbox tells of it: its readers do not know it"
    elif stated == GONE:
        meaning = "the topic tells of what the database does not have: was a backup restored?"
    elif not telling.exact and version_of(said) <= version_of(stated):
        meaning = "the content of the topic's last word is not what the database says"
    elif version_of(said) < version_of(stated):
        meaning = "the topic's last word is older than the database: an event was lost"
    elif version_of(said) > version_of(stated):
        meaning = "the topic is ahead of the database: was a backup restored?"
    else:
        meaning = "the topic says something else of the same version"
    return Difference(
        telling.what,
        subject,
        f"last event on {telling.topic.value}",
        _described(said),
        _described(stated),
        meaning,
    )


def _described(state: State) -> str:
    return f"version {version_of(state)}, content {content_of(state).hex()}" if state else "nothing"
