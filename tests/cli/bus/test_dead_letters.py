"""`spojka deadletters` with numbers, times and reasons out of the ordinary."""

from collections.abc import Mapping

from spojka.delivery import dead_letter
from spojka.delivery.acknowledged import AcknowledgedProducer, Record
from spojka.delivery.headers import ID, TYPE, Headers
from spojka.outbox import new_id
from spojka.settings import Settings
from spojka.topics import Topic, dead_letter_topic
from tests.cli.running import call

MULTILINE = 'duplicate key value violates "x"\nDETAIL:  Key (id)=(1) already exists.'


async def put_aside(
    settings: Settings, producer: AcknowledgedProducer, group: str, failed_ms: int, reason: str
) -> None:
    headers: Headers = [
        (ID, str(new_id())),
        (TYPE, "nobody.knows.This"),
        ("odd", b"\xff\xfe"),
        (dead_letter.CONSUMER, group),
        (dead_letter.REASON, reason),
        (dead_letter.TOPIC, Topic.ORDERS.full_name(settings.topic_prefix)),
        (dead_letter.PARTITION, "1"),
        (dead_letter.OFFSET, "41"),
        (dead_letter.FAILED_MS, str(failed_ms)),
    ]
    topic = dead_letter_topic(settings.topic_prefix, group)
    await producer.send(Record(topic, b"\xff/1", b"\xff\x00", headers))


async def test_all_since_a_time_before_there_was_time_are_all(
    env: Mapping[str, str], settings: Settings, producer: AcknowledgedProducer
) -> None:
    await put_aside(settings, producer, "orders", 1_795_000_000_123, "no")
    result = await call(
        "deadletters", "replay", "orders", "--since", "1969-12-31 23:59:58", env=env
    )
    assert result.stdout == "1 dead letter is on its way to orders\n", result.stderr


async def test_a_number_below_all_is_answered_in_words(
    env: Mapping[str, str], settings: Settings, producer: AcknowledgedProducer
) -> None:
    await put_aside(settings, producer, "orders", 1_795_000_000_000, "no")
    broken: dict[tuple[str, ...], str] = {}
    for line in (
        ("list", "orders", "--before", "-1"),
        ("show", "orders", str(10**25)),
        ("replay", "orders", str(10**25)),
        ("replay", "orders", "--", "-1"),
        ("replay", "orders"),
        ("replay", "orders", "0", "--since", "2026-01-01"),
        ("list", "--before", "1"),
        ("list", "orders", "--limit", "0"),
        ("resume", "orders", Topic.ORDERS.full_name(settings.topic_prefix), str(10**25)),
    ):
        result = await call("deadletters", *line, env=env)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            broken[line] = repr(result.exception)
    assert broken == {}


async def test_a_reason_of_several_lines_is_one_row(
    env: Mapping[str, str], settings: Settings, producer: AcknowledgedProducer
) -> None:
    """What PostgreSQL says has lines of its own."""
    for _ in range(2):
        await put_aside(settings, producer, "orders", 1_795_000_000_000, MULTILINE)
    table = (await call("deadletters", "list", env=env)).stdout
    rows = [line for line in table.splitlines() if line.startswith("orders ")]
    assert len(rows) == 2
    assert len(table.splitlines()) == 3
    assert all("DETAIL" in row for row in rows)
