"""The street where all banks stand, with the name server that knows them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from sandbox.banks import csob, fio, loopback, tatra
from sandbox.banks.bank import Bank
from sandbox.banks.control import Control
from sandbox.banks.courier import Courier
from sandbox.banks.dns_server import HOST, free_port, serving
from sandbox.banks.form import Form, House
from sandbox.banks.signing import Signer
from sandbox.banks.zone import Zone
from spojka.http_server import HttpServer

STRANGER_IP: Final = "127.0.0.66"
"""An address that is no bank's."""
_BANKS: Final[tuple[tuple[House, Form], ...]] = (
    (fio.HOUSE, fio.Short()),
    (csob.HOUSE, csob.Ceb()),
    (tatra.HOUSE, tatra.Bmail()),
)
ADDRESSES: Final = (*(house.client_ip for house, _ in _BANKS), STRANGER_IP)
"""All that mails are sent from."""


def moved(address: str, host: str) -> str:
    """The address of the host's network that stands for one of the loopback."""
    return ".".join((*host.split(".")[:3], address.rpartition(".")[2]))


@dataclass(slots=True)
class Street:
    """Three banks by their names, and what DNS says of them."""

    banks: dict[str, Bank]
    zone: Zone = field(default_factory=Zone)
    host: str = HOST
    dns_port: int = 0
    url: str = ""

    @property
    def fio(self) -> Bank:
        """Signs nothing; writes its short form until told otherwise."""
        return self.banks[fio.HOUSE.name]

    @property
    def csob(self) -> Bank:
        """Tells of several movements in one mail."""
        return self.banks[csob.HOUSE.name]

    @property
    def tatra(self) -> Bank:
        """Signs its mails whole."""
        return self.banks[tatra.HOUSE.name]

    @property
    def dns_server(self) -> str:
        """Where the name server is, as the product's setting wants it."""
        return f"{self.host}:{self.dns_port}"


def build(smtp_host: str, smtp_port: int, host: str = HOST) -> Street:
    """Found the banks in a host's network; they write to this SMTP server. Nothing listens yet."""
    houses = [
        (replace(house, client_ip=moved(house.client_ip, host)), form) for house, form in _BANKS
    ]
    banks = {
        house.name: Bank(
            house,
            form,
            Courier(smtp_host, smtp_port, house.host),
            Signer(house.domain, house.signing) if house.signing else None,
        )
        for house, form in houses
    }
    street = Street(banks, host=host)
    for bank in banks.values():
        bank.appear_in(street.zone)
    return street


@asynccontextmanager
async def running(
    smtp_host: str, smtp_port: int, *, host: str = HOST, dns_port: int = 0, control_port: int = 0
) -> AsyncIterator[Street]:
    """Open the banks for the time of a block; port 0 takes a free one.

    On another host than the loopback's, whose network then has the banks'
    addresses too, services in other network namespaces reach them.
    Raises LoopbackMissing where this machine lacks the banks' addresses, OSError
    where a port is taken.
    """
    loopback.require(moved(address, host) for address in ADDRESSES)
    street = build(smtp_host, smtp_port, host)
    control = HttpServer(Control(street.banks, street.zone).application(), HOST, control_port)
    street.dns_port = dns_port or free_port(host)
    async with serving(street.zone, street.dns_port, host):
        await control.start()
        street.url = f"http://{HOST}:{control.port}"
        try:
            yield street
        finally:
            await control.stop()
