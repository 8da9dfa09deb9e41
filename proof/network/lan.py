"""Switches, hosts in network namespaces, and what can go wrong between them."""

import asyncio
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from proof.network.isolation import NAMES

NOBODY: Final = "02:00:00:00:00:00"
"""A hardware address that no port of a switch has: frames for it reach nobody."""
COMMAND_SECONDS_MAX: Final = 20.0


class LanError(Exception):
    """The network can't be laid as wanted; the message has what the program said."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A network of /24: its number is the third part of its addresses."""

    name: str
    network: str

    @property
    def everyone(self) -> str:
        """All addresses of the network."""
        return f"{self.network}.0/24"

    def address(self, number: int) -> str:
        """The address of a host's port."""
        return f"{self.network}.{number}"


@dataclass(frozen=True, slots=True)
class Port:
    """Where a host is plugged into a switch: both ends of the cable, and its address."""

    host: str
    device: str
    outer: str
    address: str
    switch: Switch


@dataclass(slots=True)
class Lan:
    """All switches and ports. The process itself is plugged into every switch as number 1."""

    ports: dict[tuple[str, str], Port] = field(default_factory=dict)
    _cables: "count[int]" = field(default_factory=count)
    _cut: list[tuple[str, str, str]] = field(default_factory=list)
    _slow: list[Port] = field(default_factory=list)

    async def lay(self, switch: Switch, own_numbers: tuple[int, ...]) -> None:
        """Set a switch up, and take addresses on it for the process itself."""
        await _run("ip", "link", "set", "lo", "up")
        await _run("ip", "link", "add", switch.name, "type", "bridge")
        await _run("ip", "link", "set", switch.name, "up")
        for number in own_numbers:
            await _run("ip", "addr", "add", f"{switch.address(number)}/24", "dev", switch.name)

    async def add_host(self, host: str) -> None:
        """Add a host with nothing but its loopback."""
        await _run("ip", "netns", "add", host)
        await _run("ip", "-n", host, "link", "set", "lo", "up")

    async def plug(self, host: str, switch: Switch, number: int) -> Port:
        """Plug a host into a switch."""
        device, outer = f"to-{switch.name}", f"cable{next(self._cables)}"
        port = Port(host, device, outer, switch.address(number), switch)
        await _run(
            "ip", "link", "add", outer, "type", "veth", "peer", "name", device, "netns", host
        )
        await _run("ip", "link", "set", outer, "master", switch.name, "up")
        await _run("ip", "-n", host, "addr", "add", f"{port.address}/24", "dev", device)
        await _run("ip", "-n", host, "link", "set", device, "up")
        self.ports[host, switch.name] = port
        return port

    async def cut(self, one: Port, other: Port) -> None:
        """Let nothing pass between two hosts of a switch, in silence and at once.

        Each end believes the other to be where nobody is: frames are sent and
        never arrive, as behind a broken switch, whereas a route that refuses
        would tell the sender.
        """
        for here, there in ((one, other), (other, one)):
            entry = (here.host, there.address, here.device)
            await _run(
                "ip", "-n", here.host, "neigh", "replace", there.address,
                "lladdr", NOBODY, "dev", here.device, "nud", "permanent",
            )  # fmt: skip
            self._cut.append(entry)

    async def slow_down(self, port: Port, rate: str, burst: str) -> None:
        """Let no more than a rate pass through a port, each way."""
        shape = ("root", "tbf", "rate", rate, "burst", burst, "latency", "1s")
        await _run("tc", "-n", port.host, "qdisc", "add", "dev", port.device, *shape)
        await _run("tc", "qdisc", "add", "dev", port.outer, *shape)
        self._slow.append(port)

    async def unplug(self, port: Port) -> None:
        """Pull a host's cable at the switch."""
        await _run("ip", "link", "set", port.outer, "down")

    async def plug_in_again(self, port: Port) -> None:
        """Put the cable back."""
        await _run("ip", "link", "set", port.outer, "up")

    async def heal(self) -> None:
        """End every cut and every slowness."""
        while self._cut:
            host, address, device = self._cut.pop()
            await _run("ip", "-n", host, "neigh", "del", address, "dev", device)
        while self._slow:
            port = self._slow.pop()
            await _run("tc", "-n", port.host, "qdisc", "del", "dev", port.device, "root")
            await _run("tc", "qdisc", "del", "dev", port.outer, "root")


def on(host: str, *argv: str) -> tuple[str, ...]:
    """The command line that runs a program on a host."""
    return ("nsenter", f"--net={NAMES / host}", *argv)


async def _run(*argv: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(COMMAND_SECONDS_MAX):
        output, _ = await process.communicate()
    if process.returncode:
        raise LanError(f"{' '.join(argv)}: {output.decode(errors='replace').strip()}")
