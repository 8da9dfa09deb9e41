"""A partition's batch split into runs: what one handler gets in one transaction."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from spojka.delivery.handler import ReceivedEvent, Route


@dataclass(frozen=True, slots=True)
class Run:
    """Events of one tenant for one route, in the partition's order."""

    tenant_id: UUID
    route: Route
    events: tuple[ReceivedEvent, ...]


def split(events: Iterable[ReceivedEvent], routes: Mapping[str, Route]) -> Iterator[Run]:
    """Split events whose types all have a route.

    Events of one tenant keep their order, across types and routes; a key
    belongs to one tenant, so the order per key is kept. Tenants are parted,
    since a transaction sees one tenant.
    """
    tenants: dict[UUID, list[ReceivedEvent]] = {}
    for event in events:
        tenants.setdefault(event.tenant_id, []).append(event)
    for tenant_id, of_tenant in tenants.items():
        for _, run in groupby(of_tenant, lambda event: id(routes[event.type])):
            same_route = tuple(run)
            yield Run(tenant_id, routes[same_route[0].type], same_route)
