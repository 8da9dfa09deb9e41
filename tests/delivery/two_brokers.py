"""A Kafka of two brokers, which is reached in two ways, one of them by lines that can be cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from spojka.servers.kafka import EmbeddedKafka
from spojka.servers.kafka_config import Node, server_properties
from spojka.servers.kafka_probe import broker_lacks
from spojka.servers.kafka_program import TOPICS_FOLDER, Installation, environment, new_cluster_id
from spojka.servers.ports import LOOPBACK, free_port
from spojka.supervisor import Child, Supervisor
from tests.line import Line

READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class TwoBrokers:
    """Bootstrap addresses of the two ways, and the lines of the second one, broker by broker."""

    near: str
    far: str
    lines: tuple[Line, Line]


@asynccontextmanager
async def two_brokers(home: Path) -> AsyncIterator[TwoBrokers]:
    """Run them for the time of a block."""
    installation = await EmbeddedKafka(data=home / "unused", log_path=home / "unused.log").install()
    nodes = [Node(number, LOOPBACK, free_port(), free_port()) for number in (1, 2)]
    far_ports = [free_port(), free_port()]
    lines = (Line(LOOPBACK, far_ports[0]), Line(LOOPBACK, far_ports[1]))
    cluster_id = new_cluster_id()
    async with AsyncExitStack() as stack:
        children = []
        for node, far_port, line in zip(nodes, far_ports, lines, strict=True):
            await line.lay()
            stack.push_async_callback(line.cut)
            properties = server_properties(home / f"{node.id}" / TOPICS_FOLDER, node, nodes)
            properties += _second_way(node, far_port, line.port)
            children.append(await _child(installation, home, node, properties, cluster_id))
        supervisor = Supervisor(lambda _status: None)
        stack.push_async_callback(supervisor.stop)
        await supervisor.start(children)
        yield TwoBrokers(
            ",".join(node.address for node in nodes),
            ",".join(f"{LOOPBACK}:{line.port}" for line in lines),
            lines,
        )


def _second_way(node: Node, port: int, told: int) -> str:
    """Properties of a broker that listens at one more port, and tells who asks there of another."""
    controller = f"CONTROLLER://{node.host}:{node.controller_port}"
    return (
        f"listeners=PLAINTEXT://{node.address},FAR://{node.host}:{port},{controller}\n"
        f"advertised.listeners=PLAINTEXT://{node.address},FAR://{LOOPBACK}:{told}\n"
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FAR:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
    )


async def _child(
    installation: Installation, home: Path, node: Node, properties: str, cluster_id: str
) -> Child:
    data = home / f"{node.id}"
    data.mkdir(parents=True)
    path = data / "server.properties"
    await asyncio.to_thread(path.write_text, properties)
    await installation.prepare(data, path, cluster_id)
    return Child(
        name=f"Kafka {node.id}",
        argv=installation.broker(data, path),
        env=environment(),
        log_path=home / f"kafka-{node.id}.log",
        ready=lambda: broker_lacks(node.address),
        ready_timeout_s=READY_SECONDS,
        cwd=data,
    )
