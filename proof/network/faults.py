"""What goes wrong in the network: each holds while its block runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from proof.network.world import POSTGRES, World

SLOW_RATE: Final = "256kbit"
SLOW_BURST: Final = "16kb"
WATCHED_LANE: Final = "spojka-orders-lane-0-a"
"""A producer of which the coordinator is lost."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. The function's block begins when it has happened."""

    name: str
    what: str
    during: Callable[[World], AbstractAsyncContextManager[None]]
    seconds: float
    """How long it lasts."""


@asynccontextmanager
async def nothing(_world: World) -> AsyncIterator[None]:
    """Nothing goes wrong: what everything else is compared with."""
    yield


@asynccontextmanager
async def broker_killed(world: World) -> AsyncIterator[None]:
    """Kill the broker that coordinates a lane's transactions; it leads partitions, too."""
    victim = await world.cluster.coordinator(WATCHED_LANE)
    led = [
        place for place, found in (await world.cluster.partitions()).items()
        if found.leader == victim.node.id and place[0].startswith("spojka.orders")
    ]  # fmt: skip
    world.system.story.note(f"{victim.port.host} is killed; it leads {led}")
    await victim.kill()
    yield
    await victim.start()


@asynccontextmanager
async def broker_unplugged(world: World) -> AsyncIterator[None]:
    """Pull the cable of a broker: it falls silent, and believes itself alive."""
    victim = world.random.choice(world.cluster.brokers)
    port = world.broker_port(victim)
    world.system.story.note(f"the cable of {port.host} is pulled")
    await world.lan.unplug(port)
    try:
        yield
    finally:
        await world.lan.plug_in_again(port)


@asynccontextmanager
async def broker_restarted(world: World) -> AsyncIterator[None]:
    """Restart one broker in order, then, when it has caught up, another."""
    first, second = world.random.sample(world.cluster.brokers, 2)
    world.system.story.note(f"{first.port.host} is restarted")
    await first.stop()
    yield
    await first.start()
    await world.cluster.until_whole()
    world.system.story.note(f"{second.port.host} is restarted")
    await second.stop()
    await second.start()


@asynccontextmanager
async def host_without_brokers(world: World) -> AsyncIterator[None]:
    """Let host-a reach no broker; it reaches all else."""
    for broker in world.cluster.brokers:
        await world.lan.cut(world.on_bus("host-a"), world.broker_port(broker))
    world.system.story.note("host-a reaches no broker")
    yield
    await world.lan.heal()


@asynccontextmanager
async def host_without_database(world: World) -> AsyncIterator[None]:
    """Let host-a not reach PostgreSQL; it reaches all else."""
    await world.lan.cut(world.on_front("host-a"), world.on_front(POSTGRES))
    world.system.story.note("host-a does not reach PostgreSQL")
    yield
    await world.lan.heal()


@asynccontextmanager
async def host_without_one_broker(world: World) -> AsyncIterator[None]:
    """Let host-a reach two brokers of three; to all others the third is well."""
    await world.lan.cut(world.on_bus("host-a"), world.broker_port(world.cluster.with_id(3)))
    world.system.story.note("host-a does not reach kafka-3")
    yield
    await world.lan.heal()


@asynccontextmanager
async def slow_link(world: World) -> AsyncIterator[None]:
    """Make the link between host-b and all brokers slow."""
    await world.lan.slow_down(world.on_bus("host-b"), SLOW_RATE, SLOW_BURST)
    world.system.story.note(f"host-b and the brokers are {SLOW_RATE} apart")
    yield
    await world.lan.heal()


FAULTS: Final = (
    Fault("none", "nothing", nothing, 10),
    Fault("killed", "a broker is killed (coordinator and leader)", broker_killed, 30),
    Fault("unplugged", "a broker falls silent", broker_unplugged, 40),
    Fault("restarted", "two brokers restarted, one after another", broker_restarted, 10),
    Fault("no-brokers", "host-a reaches no broker", host_without_brokers, 60),
    Fault("no-database", "host-a does not reach PostgreSQL", host_without_database, 40),
    Fault("one-missing", "host-a does not reach one broker of three", host_without_one_broker, 60),
    Fault("slow", f"host-b reaches the brokers with {SLOW_RATE}/s", slow_link, 40),
)
