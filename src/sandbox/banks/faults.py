"""What goes wrong with a bank's mails, switched on by a test or a demo."""

from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Final

FAULTS_MAX: Final = 100
DELAY_SECONDS_MAX: Final = 600.0


class Effect(StrEnum):
    """What goes wrong with one mail."""

    TWICE = "twice"
    """The same bytes are delivered a second time, as after an answer that was lost."""
    DELAY = "delay"
    """It is delivered `seconds` late."""
    ELSEWHERE = "elsewhere"
    """It is delivered from `address`, which is not the bank's."""
    WRONG_SIGNATURE = "wrong_signature"
    """It is signed by a key that DNS does not know; banks that don't sign stay as they are."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the next `times` mails."""

    effect: Effect
    times: int = 1
    seconds: float = 0.0
    address: str = ""

    def __post_init__(self) -> None:
        """ValueError says what makes no sense."""
        if self.times < 1:
            raise ValueError("times must be at least 1")
        if self.effect is Effect.DELAY and not 0 < self.seconds <= DELAY_SECONDS_MAX:
            raise ValueError(f"a delay needs seconds above 0 and up to {DELAY_SECONDS_MAX:g}")
        if self.effect is Effect.ELSEWHERE and not IPv4Address(self.address).is_loopback:
            raise ValueError("address must be one of the loopback, such as 127.0.0.66")


class Faults:
    """The faults of one bank now switched on."""

    def __init__(self) -> None:
        """Begin with none."""
        self._pending: list[Fault] = []

    @property
    def pending(self) -> tuple[Fault, ...]:
        """The faults in the order they were added."""
        return tuple(self._pending)

    def add(self, fault: Fault) -> None:
        """Switch a fault on. Raises ValueError where there are too many."""
        if len(self._pending) >= FAULTS_MAX:
            raise ValueError(f"at most {FAULTS_MAX} faults: clear them first")
        self._pending.append(fault)

    def clear(self) -> None:
        """Switch all faults off."""
        self._pending.clear()

    def take(self) -> dict[Effect, Fault]:
        """What happens to the next mail; each fault loses one of its times."""
        taken = {fault.effect: fault for fault in reversed(self._pending)}
        self._pending = [
            replace(fault, times=fault.times - 1) if taken[fault.effect] is fault else fault
            for fault in self._pending
            if taken[fault.effect] is not fault or fault.times > 1
        ]
        return taken
