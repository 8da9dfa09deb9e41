"""Carries out the strikes of a phase, one after another, and undoes what lasts."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from proof.soak.clocks import Clocks
from proof.soak.disks import Disks
from proof.soak.replaying import replay
from proof.soak.strikes import (
    Answers,
    Crash,
    Deed,
    FullDisk,
    Kill,
    Replay,
    SilentDns,
    Skew,
    Stop,
    StopHolders,
    Strike,
)
from sandbox.banks.zone import Trouble
from tests.faults.system import POSTGRES, System

LOOK_SECONDS: Final = 0.1
CRASH_SECONDS: Final = 15.0
"""How long a crash is waited for: a step that nobody comes to is no crash."""


@dataclass(slots=True)
class Adversary:
    """Strikes a running system. `struck` counts what was done, `spared` what could not be."""

    system: System
    disks: Disks
    clocks: Clocks
    struck: Counter[str] = field(default_factory=Counter)
    spared: Counter[str] = field(default_factory=Counter)

    async def strike_all(self, strikes: tuple[Strike, ...]) -> None:
        """Strike at the times planned; when it ends, all is undone and all processes run."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            for strike in strikes:
                await asyncio.sleep(max(0.0, began + strike.at_seconds - loop.time()))
                await self._strike(strike.deed)
        finally:
            await self.undo()

    async def undo(self) -> None:
        """Undo whatever lasts."""
        self.system.street.zone.recover()
        for name in self.clocks.files:
            self.clocks.set(name, 0)
        await self.system.storehouse.clear_faults()
        await self.system.until_all_run()

    async def _strike(self, deed: Deed) -> None:
        self.system.story.note(f"strike: {deed}")
        match deed:
            case Kill(name, number):
                await self._kill(name, number)
            case Crash(service, step):
                await self._crash(deed, service, step)
            case Stop(name, seconds):
                await self._stop(name, seconds)
            case StopHolders():
                await self.system.stop_those_at_work_past_their_loss()
                self.struck["stopped past leases and lanes"] += 1
            case Answers():
                await self._spoil(deed)
            case SilentDns(seconds):
                await self._silence(seconds)
            case FullDisk(disk, seconds):
                await self._fill(disk, seconds)
            case Skew(name, seconds):
                self._skew(name, seconds)
            case Replay(group, events):
                await self._replay(group, events)

    async def _kill(self, name: str, number: signal.Signals) -> None:
        await self.system.until_back(name, self.system.kill(name, number))
        kind = "killed" if number is signal.SIGKILL else "restarted"
        self.struck[f"{kind}: {_service(name)}"] += 1

    async def _crash(self, deed: Crash, service: str, step: str) -> None:
        order = self.system.crash_orders / service / step
        crashed = self.system.order_crash(deed.service, deed.step)
        try:
            async with asyncio.timeout(CRASH_SECONDS):
                while await asyncio.to_thread(order.exists):  # noqa: ASYNC110 - another process removes it
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            order.unlink(missing_ok=True)
            self.system.story.note(f"no process of {service} came to {step!r}")
            self.spared["crash at a step that nobody came to"] += 1
        else:
            await crashed()
            self.struck[f"crashed at {step}"] += 1

    async def _stop(self, name: str, seconds: float) -> None:
        with self._stopped(name):
            await asyncio.sleep(seconds)
        self.struck[f"stopped: {_service(name)}"] += 1

    @contextmanager
    def _stopped(self, name: str) -> Iterator[None]:
        pid = self.system.installation.status_of(name).pid
        assert pid is not None, f"{name} does not run"
        # PostgreSQL's backends are processes of its own.
        pids = [pid, *_children(pid)] if name == POSTGRES else [pid]
        for each in pids:
            _signal(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in reversed(pids):
                _signal(each, signal.SIGCONT)
            self.system.story.note(f"{name} ({pid}) goes on")

    async def _spoil(self, deed: Answers) -> None:
        fields = {"effect": deed.effect, "kinds": [deed.kind], "times": deed.times}
        if deed.after_commit:
            fields["after_commit"] = True
        if deed.seconds:
            fields["seconds"] = deed.seconds
        await self.system.storehouse.add_fault(**fields)
        when = " after the commit" if deed.after_commit else ""
        self.struck[f"mServer's answer: {deed.effect}{when}"] += deed.times

    async def _silence(self, seconds: float) -> None:
        for bank in self.system.street.banks.values():
            self.system.street.zone.break_down(bank.house.domain, Trouble.SILENT)
        await asyncio.sleep(seconds)
        self.system.street.zone.recover()
        self.struck["DNS silent"] += 1

    async def _fill(self, disk: str, seconds: float) -> None:
        if self.disks.lacking:
            self.spared[f"full disk: {self.disks.lacking}"] += 1
            return
        await self.disks.fill(disk, seconds)
        self.system.story.note(f"the disk of {disk} has room again")
        await self.system.until_all_run()
        self.struck[f"disk full: {disk}"] += 1

    async def _replay(self, group: str, events: int) -> None:
        random = Random(f"{self.system.story.scenario} {group}")
        replayed = await replay(self.system.settings, group, events, random)
        self.system.story.note(f"{replayed} events were delivered to {group} once more")
        self.struck[f"events replayed: {group}"] += replayed

    def _skew(self, name: str, seconds: int) -> None:
        if self.clocks.lacking:
            self.spared[f"wrong clock: {self.clocks.lacking}"] += 1
            return
        self.clocks.set(name, seconds)
        self.struck["clock set wrong"] += 1


def _service(name: str) -> str:
    return name.removesuffix("-2")


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # a backend that ended meanwhile


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in tasks.read_text().split()]
