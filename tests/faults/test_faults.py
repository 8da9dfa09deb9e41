"""Faults in the middle of a stream: nothing is lost, nothing is there twice.

Two of each service run on a PostgreSQL and a Kafka of their own, against a
stand-in mServer in a process of its own. Each scenario lets shops and the
warehouse work, breaks something, waits for rest and asks for the judgement
over everything that was ever accepted.
"""

import asyncio
import signal
from random import Random
from typing import Final

import pytest

from spojka.crash_points import CrashPoint
from tests.faults.judgement import complaints, gather, judge
from tests.faults.plan import SEED
from tests.faults.system import KAFKA, POSTGRES, WAREHOUSE, System
from tests.faults.tampering import TAMPERS, copy_of
from tests.faults.trading import trading

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIDDLE: Final = 4
ANSWERS: Final = {
    "store_list": 1,
    "stock_list": 1,
    "movement_list": 1,
    # A probe asks for orders together with movements; a look-up or a read-back for orders alone.
    "order_list": 2,
    "import": 1,
    "delete": 1,
}
"""How often an answer of each kind of request is lost: all kinds that the connector sends."""


@pytest.mark.parametrize(
    ("service", "steps"),
    [
        ("stock", ["import-marked", "event-handled", "import-answered", "batch-published"]),
        ("orders", ["event-handled", "batch-published"]),
    ],
)
async def test_a_process_is_killed_at_each_named_step(
    system: System, service: str, steps: list[CrashPoint]
) -> None:
    orders = 6 * len(steps)
    async with trading(system, f"{service}-steps", orders=orders, seconds=4 * len(steps)) as stream:
        for place, step in enumerate(steps):
            await stream.until_accepted(MIDDLE + 5 * place)
            await system.crash_at(service, step)
    await judge(system)


async def test_processes_are_killed_at_seeded_moments(system: System) -> None:
    random = Random(f"{SEED} moments")
    victims = ["stock", "stock-2", "orders", "gateway", WAREHOUSE]
    random.shuffle(victims)
    async with trading(system, "moments", orders=22, seconds=12) as stream:
        for place, name in enumerate(victims, 1):
            await stream.until_accepted(place * MIDDLE)
            await asyncio.sleep(random.uniform(0, 0.5))
            await system.until_back(name, system.kill(name))
    await judge(system)


async def test_kafka_is_stopped_for_a_time_and_restarted_in_mid_batch(system: System) -> None:
    async with trading(system, "kafka", orders=22, seconds=12) as stream:
        await stream.until_accepted(MIDDLE)
        pid = system.kill(KAFKA, signal.SIGTERM)
        await system.until_away(KAFKA)
        await stream.until_accepted(stream.accepted + 3)
        assert not system.installation.status_of(KAFKA).healthy, "orders waited for Kafka"
        with stream.closed_shops():  # the other orders are for the second restart
            await system.until_back(KAFKA, pid)
            await system.until_books_say(lambda books: not books.outbox)
        await system.until_books_say(lambda books: bool(books.outbox))
        await system.until_back(KAFKA, system.kill(KAFKA))
    await judge(system)


async def test_postgresql_is_killed_and_restarted(system: System) -> None:
    async with trading(system, "postgresql", orders=18, seconds=12) as stream:
        for number in (signal.SIGKILL, signal.SIGINT):  # a crash, then an orderly restart
            await stream.until_accepted(stream.accepted + MIDDLE)
            await system.until_back(POSTGRES, system.kill(POSTGRES, number))
    await judge(system)


async def test_every_answer_of_the_mserver_is_lost_once(system: System) -> None:
    async with trading(system, "answers", orders=12, seconds=6):
        for kind, times in ANSWERS.items():
            await system.storehouse.add_fault(
                effect="drop", kinds=[kind], times=times, after_commit=True
            )
        await system.storehouse.until_no_fault_is_left()
    await judge(system)
    requests = (await system.storehouse.ledger()).requests
    lost = {kind for request in requests if request["faults"] for kind in request["kinds"]}
    assert lost == ANSWERS.keys()


async def test_a_process_stopped_past_its_lease_and_lanes_changes_nothing_when_continued(
    system: System,
) -> None:
    async with trading(system, "stopped", orders=14, seconds=18) as stream:
        await stream.until_accepted(MIDDLE)
        await system.stop_the_one_at_work_past_its_loss()
    await judge(system)


async def test_the_judgement_sees_whatever_is_wrong(system: System) -> None:
    """Without a fault: else a judgement that sees nothing would pass every scenario."""
    async with trading(system, "no-fault", orders=7, seconds=1):
        pass
    await judge(system)
    evidence = await gather(system)
    unseen = [
        name for name, tamper in TAMPERS.items() if not list(complaints(tamper(copy_of(evidence))))
    ]
    assert unseen == []
