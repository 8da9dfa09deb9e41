"""How many may stand at the door, and how often one may knock at doors that are not there."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Final

REFUSED_MAX: Final = 20
"""Unknown recipients that one address may name within REFUSED_SECONDS."""

REFUSED_SECONDS: Final = 600.0
REMEMBERED_CLIENTS_MAX: Final = 10_000
IPV6_NETWORK_BITS: Final = 64


def client_key(host: str) -> str:
    """What is counted as one client: an IPv4 address, or the /64 network of an IPv6 one."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{int(address) >> 128 - IPV6_NETWORK_BITS:x}/{IPV6_NETWORK_BITS}"


class ConnectionLimit:
    """Counts open connections, all of them and those of each client."""

    def __init__(self, connections_max: int, per_client_max: int) -> None:
        """Begin with none."""
        self._connections_max = connections_max
        self._per_client_max = per_client_max
        self._open: Counter[str] = Counter()
        self._total = 0

    @property
    def total(self) -> int:
        """How many are open."""
        return self._total

    def enter(self, client: str) -> bool:
        """Count one more connection of `client`; False, and not counted, where it is too many."""
        if self._total >= self._connections_max or self._open[client] >= self._per_client_max:
            self._forget_if_none(client)
            return False
        self._total += 1
        self._open[client] += 1
        return True

    def leave(self, client: str) -> None:
        """Count one connection of `client` less."""
        self._total -= 1
        self._open[client] -= 1
        self._forget_if_none(client)

    def _forget_if_none(self, client: str) -> None:
        if not self._open[client]:
            del self._open[client]


class RefusalLimit:
    """Remembers who named unknown recipients lately; the longest silent are forgotten first."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Begin with nobody. `now` is a clock in seconds that only grows."""
        self._now = now
        self._refused: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, client: str) -> None:
        """Count one refusal."""
        times = self._refused.setdefault(client, deque(maxlen=REFUSED_MAX))
        times.append(self._now())
        self._refused.move_to_end(client)
        if len(self._refused) > REMEMBERED_CLIENTS_MAX:
            self._refused.popitem(last=False)

    def reached(self, client: str) -> bool:
        """Whether `client` has guessed too often lately."""
        times = self._refused.get(client)
        if times is None:
            return False
        return len(times) == REFUSED_MAX and times[0] > self._now() - REFUSED_SECONDS
