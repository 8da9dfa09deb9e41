"""Whether this machine lets the stand-ins send from addresses of their own."""

import socket
from collections.abc import Iterable, Sequence


class LoopbackMissing(Exception):
    """Addresses of the loopback can't be used; the message says what to do."""

    def __init__(self, addresses: Sequence[str]) -> None:
        """Name the addresses and the remedy."""
        remedies = "; ".join(f"sudo ifconfig lo0 alias {address} up" for address in addresses)
        super().__init__(
            f"This machine lacks the loopback addresses {', '.join(addresses)}, which the "
            "stand-ins for banks send their mails from. Linux has all of 127.0.0.0/8; macOS has "
            f"only 127.0.0.1: give it the others with '{remedies}', and start again."
        )


def require(addresses: Iterable[str]) -> None:
    """Raise LoopbackMissing that names the addresses that nothing can be sent from."""
    missing = [address for address in addresses if not _is_here(address)]
    if missing:
        raise LoopbackMissing(missing)


def _is_here(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
