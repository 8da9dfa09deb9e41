"""Faults in the middle of a stream: nothing is lost, nothing is there twice.

Two of each service run on a PostgreSQL and a Kafka of their own, against a
stand-in mServer in a process of its own and stand-ins for three banks. Each
scenario lets shops, customers, banks and the warehouse work, breaks something,
waits for rest and asks for the judgement over everything that was ever
accepted, goods and money.
"""

import asyncio
import signal
from collections.abc import Mapping
from random import Random
from typing import Final

import pytest

from spojka.crash_points import CrashPoint
from tests.faults.judgement import complaints, gather, judge
from tests.faults.money_tampering import can_be_swapped
from tests.faults.plan import SEED
from tests.faults.system import KAFKA, POSTGRES, WAREHOUSE, System
from tests.faults.tampering import TAMPERS, copy_of
from tests.faults.trading import trading

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIDDLE: Final = 5
MORE: Final = 3
LATER: Final = 7
PARTS_MAX: Final = 5
ROUNDS: Final[tuple[Mapping[str, CrashPoint], ...]] = (
    {"stock": "import-marked", "mail_ingest": "mail-stored"},
    {"stock": "event-handled", "mail_ingest": "mail-claimed", "orders": "batch-published"},
    {"stock": "import-answered", "mail_ingest": "mail-judged", "payments": "event-handled"},
    {"stock": "batch-published", "mail_ingest": "mail-recorded"},
    {"orders": "event-handled", "mail_ingest": "mail-told"},
)
"""Steps at which one process of each named service dies, those of one round at the same time."""
VICTIMS: Final = ("gateway", "payments-2", "mail_ingest", WAREHOUSE)
"""Killed at moments of chance; the others die at named steps."""
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


async def test_processes_are_killed_at_each_named_step(system: System) -> None:
    orders = MIDDLE + MORE * len(ROUNDS)
    async with trading(
        system, "steps", orders=orders, seconds=orders / 3, at_first=MIDDLE
    ) as stream:
        await stream.until_accepted(MIDDLE)
        for steps in ROUNDS:
            crashes = [system.order_crash(*each) for each in steps.items()]
            await stream.allow(MORE)
            for crashed in crashes:
                await crashed()
            await system.let_claims_pass()
    await judge(system)


async def test_processes_are_killed_at_seeded_moments(system: System) -> None:
    random = Random(f"{SEED} moments")
    victims = random.sample(VICTIMS, len(VICTIMS))
    async with trading(system, "moments", orders=18, seconds=10) as stream:
        for place, name in enumerate(victims, 1):
            await stream.until_accepted(4 * place)
            await asyncio.sleep(random.uniform(0, 0.5))
            await system.until_back(name, system.kill(name))
    await judge(system)


async def test_kafka_is_stopped_for_a_time_and_restarted_in_mid_batch(system: System) -> None:
    async with trading(system, "kafka", orders=20, seconds=10, at_first=MIDDLE) as stream:
        await stream.until_accepted(MIDDLE)
        pid = system.kill(KAFKA, signal.SIGTERM)
        await system.until_away(KAFKA)
        taken = len(system.banks.posted)
        # Only now, or a stop that takes its time would find all of them placed before.
        await stream.allow(LATER)
        await stream.until_accepted(MIDDLE + MORE)
        await system.until(lambda: len(system.banks.posted) > taken)
        assert not system.installation.status_of(KAFKA).healthy, "orders or mails waited for Kafka"
        await system.until_back(KAFKA, pid)
        await system.until_rows("outbox", lambda rows: not rows)
        await stream.allow(8)
        await system.until_rows("outbox", bool)
        await system.until_back(KAFKA, system.kill(KAFKA))
    await judge(system)


async def test_postgresql_is_killed_and_restarted(system: System) -> None:
    orders = 2 * MIDDLE + MORE
    async with trading(
        system, "postgresql", orders=orders, seconds=orders / 3, at_first=MIDDLE + MORE
    ) as stream:
        await stream.until_accepted(MIDDLE)
        await system.until_back(POSTGRES, system.kill(POSTGRES))
        await stream.allow(MIDDLE)  # for an orderly restart after the crash
        await stream.until_accepted(2 * MIDDLE)
        await system.until_back(POSTGRES, system.kill(POSTGRES, signal.SIGINT))
    await judge(system)


async def test_every_answer_of_the_mserver_is_lost_once(system: System) -> None:
    async with trading(system, "answers", orders=12, seconds=6):
        for kind, times in ANSWERS.items():
            await system.storehouse.add_fault(
                effect="drop", kinds=[kind], times=times, after_commit=True
            )
        await system.storehouse.until_no_fault_is_left()
    await judge(system)
    requests = await system.storehouse.requests()
    lost = {kind for request in requests if request["faults"] for kind in request["kinds"]}
    assert lost == ANSWERS.keys()


async def test_processes_stopped_past_all_they_held_change_nothing_when_continued(
    system: System,
) -> None:
    async with trading(system, "stopped", orders=14, seconds=18) as stream:
        await stream.until_accepted(MIDDLE)
        await system.stop_those_at_work_past_their_loss()
    await judge(system)


async def test_the_judgement_sees_whatever_is_wrong(system: System) -> None:
    """Without a fault: a judgement that sees nothing would pass every scenario."""
    await judge(system)
    evidence = await gather(system)
    for part in range(PARTS_MAX):
        if can_be_swapped(evidence):  # after other scenarios there is evidence enough
            break
        async with trading(system, f"no-fault-{part}", orders=7, seconds=1):
            pass
        await judge(system)
        evidence = await gather(system)
    assert can_be_swapped(evidence), "no order was paid in parts that came one after another"
    unseen = [
        name for name, tamper in TAMPERS.items() if not list(complaints(tamper(copy_of(evidence))))
    ]
    assert unseen == []
