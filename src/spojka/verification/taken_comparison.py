"""Looks at what a service took of others' topics: once, and again at what differs.

In each look the group's offsets are read first, then what the taker keeps, then
the topics to their end, then what the owners would say: whatever is read later
can only be newer.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from uuid import UUID

import psycopg
from confluent_kafka import Consumer, TopicPartition

from spojka.delivery import reader
from spojka.delivery.kafka_config import KafkaConfig, consumer_config
from spojka.verification.hearing import Ear
from spojka.verification.model import Checked, Difference, Taking, Verification
from spojka.verification.snapshot import opened
from spojka.verification.taken import FOUND_MAX, TakingWork
from spojka.verification.topics import LOOKS_MAX, PAUSE_SECONDS

_UNREADABLE: Final = (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)


class TakenComparison:
    """Compares all that one service took, for some tenants."""

    def __init__(
        self,
        taker: Verification,
        owners: Sequence[Verification],
        tenants: Sequence[UUID],
        login: Callable[[str], str],
    ) -> None:
        """`owners` are the services that may tell again what was taken."""
        self._taker = taker
        self._owners = owners
        self._tenants = tenants
        self._login = login
        self._works = [TakingWork(taking) for taking in taker.takings]
        self._unread: set[str] = set()
        self._config: KafkaConfig | None = None
        self._ears: list[Ear] = []
        self._prefix = ""

    def listen_to(self, config: KafkaConfig, prefix: str) -> None:
        """Compare with the topics, too."""
        self._config, self._prefix = config, prefix
        by_topic: defaultdict[str, list[TakingWork]] = defaultdict(list)
        for work in self._works:
            by_topic[work.taking.topic.full_name(prefix)].append(work)
        self._ears = [Ear(config, topic, works) for topic, works in by_topic.items()]

    async def compare(self) -> Iterator[tuple[UUID | None, Checked | Difference]]:
        """Look until nothing differs, or what does is no matter of time.

        Raises psycopg.Error, RequestError.
        """
        await self._look()
        compared = [Counter(work.compared) for work in self._works]
        left = self._left()
        for _ in range(LOOKS_MAX):
            if not left or any(len(work.found) >= FOUND_MAX for work in self._works):
                break
            await asyncio.sleep(PAUSE_SECONDS)
            await self._look()
            before, left = left, self._left()
            if left == before:
                break
        for work, counts in zip(self._works, compared, strict=True):
            work.compared = counts
        return self._findings()

    def _left(self) -> int:
        return sum(len(work.found) for work in self._works)

    def _findings(self) -> Iterator[tuple[UUID | None, Checked | Difference]]:
        for work in self._works:
            yield from work.findings()
        for service in sorted(self._unread):
            yield None, Checked(f"service that it can't be compared with: {service}", 1)

    async def _look(self) -> None:
        if self._config is not None:
            for work in self._works:
                work.handled = await asyncio.to_thread(self._handled, work.taking)
        async with opened(self._login(self._taker.service), self._taker.service) as snapshot:
            for work in self._works:
                await work.take(snapshot, self._tenants)
        for ear in self._ears:
            await asyncio.to_thread(ear.listen)
        for work in self._works:
            work.compare_with_topic()
        for owner in self._owners:
            await self._compare_with(owner)

    async def _compare_with(self, owner: Verification) -> None:
        topics = {retelling.topic for retelling in owner.retellings}
        works = [work for work in self._works if work.taking.topic in topics]
        if not works:
            return
        try:
            async with opened(self._login(owner.service), owner.service) as snapshot:
                for work in works:
                    await work.compare_with_owner(owner, snapshot, self._tenants)
        except _UNREADABLE:
            # The one role that was given may read the taker's schema alone.
            self._unread.add(owner.service)

    def _handled(self, taking: Taking) -> dict[int, int]:
        """Up to which offset the group has handled each partition. Blocks."""
        assert self._config is not None
        topic = taking.topic.full_name(self._prefix)
        # It never subscribes: to ask for a group's offsets is not to be a member of it.
        consumer = Consumer(consumer_config(self._config, f"{self._prefix}.{taking.group}"))
        try:
            with reader.translated():
                known = consumer.list_topics(topic, timeout=reader.ANSWER_TIMEOUT_SECONDS)
                wanted = [TopicPartition(topic, each) for each in known.topics[topic].partitions]
                found = consumer.committed(wanted, timeout=reader.ANSWER_TIMEOUT_SECONDS)
                return {each.partition: each.offset for each in found if each.offset > 0}
        finally:
            consumer.close()
