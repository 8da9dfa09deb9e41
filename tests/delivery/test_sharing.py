"""Partitions share transactions, and part where one of them fails or goes away."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from spojka.delivery.handler import ConsumerPolicy, Place, ReceivedEvent
from spojka.delivery.sharing import Sharing, SharingFailedError
from tests.delivery.scenes import TENANT


def received(partition: int, count: int = 1) -> list[ReceivedEvent]:
    now = datetime.now(UTC)
    return [
        ReceivedEvent(uuid4(), "T", TENANT, f"{TENANT}/x", now, "", b"", "t", partition, offset)
        for offset in range(count)
    ]


class Groups:
    """Notes each group's partitions; fails where one of them is in `broken`."""

    def __init__(self, broken: frozenset[int] = frozenset()) -> None:
        self.seen: list[list[int]] = []
        self._broken = broken

    async def transact(self, events: Sequence[ReceivedEvent], finished: set[Place]) -> None:
        self.seen.append([event.partition for event in events])
        for event in events:
            if event.partition in self._broken:
                raise KeyError(event.partition)
            finished.add(event.place)


async def test_what_is_ready_in_one_turn_is_handled_once_up_to_the_limit() -> None:
    groups = Groups()
    sharing = Sharing(groups.transact, asyncio.Semaphore(1), ConsumerPolicy(batch_max_events=4))
    await asyncio.gather(*(sharing.handle(received(number, 2), set()) for number in range(3)))
    await sharing.handle(received(3), set())
    assert groups.seen == [[0, 0, 1, 1], [2, 2], [3]]


async def test_a_failure_is_told_to_all_that_share_with_what_is_finished() -> None:
    sharing = Sharing(Groups(frozenset({1})).transact, asyncio.Semaphore(1), ConsumerPolicy())
    finished: set[Place] = set()
    results = await asyncio.gather(
        *(sharing.handle(received(number), finished) for number in range(3)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [SharingFailedError] * 3
    assert finished == {("t", 0, 0)}
    with pytest.raises(KeyError):
        await sharing.handle(received(1), finished)


async def test_a_partition_that_goes_away_takes_its_group_with_it_and_no_other() -> None:
    groups, slots = Groups(), asyncio.Semaphore(1)
    sharing = Sharing(groups.transact, slots, ConsumerPolicy())
    async with slots:
        leaving = asyncio.create_task(sharing.handle(received(0), set()))
        staying = asyncio.create_task(sharing.handle(received(1), set()))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        with pytest.raises(SharingFailedError):
            await staying
    await sharing.handle(received(2), set())
    assert groups.seen == [[2]]
