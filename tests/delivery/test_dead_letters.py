"""Dead letters replayed while their cause still stands, and lists at their ends."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from spojka.database import Database
from spojka.delivery.acknowledged import Record
from spojka.delivery.dead_letters import DeadLetters
from spojka.delivery.failures import PoisonError
from spojka.delivery.kafka_config import KafkaConfig
from spojka.errors import NotFound
from spojka.settings import Settings
from tests.delivery.members import consuming, orders
from tests.delivery.scenes import TYPE, Recorder, event, publish
from tests.delivery.test_consumer import dead_letters
from tests.waiting import until

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def until_aside(letters: DeadLetters, count: int) -> None:
    async def aside() -> bool:
        return len(await letters.page()) >= count

    await until(aside, f"{count} messages are put aside")


async def test_what_fails_again_when_replayed_is_not_replayed_again_by_the_same_command(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    """Two letters are there when the command begins: it tells of two, and of each once."""
    settings = settings.model_copy(update={"dead_letter_limit": 1_000})
    handler = Recorder(database, lambda _: PoisonError("still broken"))
    letters = dead_letters(database, settings, kafka)
    await publish(kafka, orders(settings), [event("a", 1), event("b", 2)])
    async with consuming(database, settings, handler):
        await until_aside(letters, 2)
        async with asyncio.timeout(20):
            assert await letters.replay_since(EPOCH) == 2
        await until_aside(letters, 4)
        failed = await letters.page()
    assert [(each.offset, each.replayed) for each in failed] == [
        (3, False),
        (2, False),
        (1, True),
        (0, True),
    ]
    assert await handler.effects() == []


async def test_a_letter_that_failed_again_still_says_where_it_came_from(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    """Its offset in the replay topic tells an operator nothing."""
    handler = Recorder(database, lambda _: PoisonError("still broken"))
    letters = dead_letters(database, settings, kafka)
    await publish(kafka, orders(settings), [event("a", 1)])
    async with consuming(database, settings, handler):
        await until_aside(letters, 1)
        (first,) = await letters.page()
        await letters.replay(first.offset)
        await until_aside(letters, 2)
    second = await letters.show(1)
    assert (second.event_id, second.key, second.value) == (first.event_id, first.key, first.value)
    assert (second.topic, second.partition, second.original_offset, second.original_time) == (
        first.topic,
        first.partition,
        first.original_offset,
        first.original_time,
    )


async def test_pages_and_single_letters_at_their_ends(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    handler = Recorder(database, lambda _: PoisonError("nelze: žluťoučký kůň \0"))
    letters = dead_letters(database, settings, kafka)
    assert await letters.page() == []
    assert await letters.replay_since(EPOCH) == 0
    settings = settings.model_copy(update={"dead_letter_limit": 1_000})
    unreadable = Record(orders(settings), b"\xff\xfe", b"\x01\xff", [("ce_type", TYPE)])
    events = [event(str(number), number) for number in range(5)]
    await publish(kafka, orders(settings), events, extra=[unreadable])
    async with consuming(database, settings, handler):
        await until_aside(letters, 6)
    count = len(await letters.page(limit=500))
    assert count == 6
    numbers = list(range(count))[::-1]
    for size in (4, count):
        found: list[int] = []
        before: int | None = None
        while page := await letters.page(before=before, limit=size):
            found += [each.offset for each in page]
            before = page[-1].offset
        assert found == numbers, size
    for before in (0, -1, -(2**63)):
        assert await letters.page(before=before) == [], before
    assert len(await letters.page(before=2**62)) == count
    for number in (-1, count, 2**40):
        with pytest.raises(NotFound):
            await letters.show(number)
        with pytest.raises(NotFound):
            await letters.replay(number)
    assert await letters.replay_since(datetime.now(UTC) + timedelta(days=1)) == 0
    assert not any(each.replayed for each in await letters.page())


async def test_a_message_is_put_aside_whatever_its_error_says(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    """Half of a surrogate pair is text to Python, and no UTF-8."""
    handler = Recorder(database, lambda _: PoisonError("it says '\ud83d' \0 " + "ž" * 5_000))
    letters = dead_letters(database, settings, kafka)
    await publish(kafka, orders(settings), [event("a", 1)])
    async with consuming(database, settings, handler):
        await until_aside(letters, 1)
    (letter,) = await letters.page()
    assert letter.reason.startswith("it says '")
