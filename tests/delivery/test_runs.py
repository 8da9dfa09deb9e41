"""Splitting a batch into runs neither loses, doubles nor reorders what belongs together."""

from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from spojka.delivery.handler import Handler, Kind, ReceivedEvent, Route
from spojka.delivery.runs import split


def routes(handler: Handler) -> dict[str, Route]:
    facts = Route(frozenset({"Placed", "Amended"}), handler, Kind.FACT)
    states = Route(frozenset({"Changed"}), handler, Kind.STATE)
    return {type_: route for route in (facts, states) for type_ in route.types}


ROUTES = routes(handler=None)  # type: ignore[arg-type] # no run is handled here

events = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(sorted(ROUTES))), max_size=40).map(
    lambda parts: [
        ReceivedEvent(
            id=UUID(int=offset),
            type=type_,
            tenant_id=UUID(int=tenant),
            key=f"{UUID(int=tenant)}/x",
            time=datetime(2026, 1, 1, tzinfo=UTC),
            traceparent="",
            value=b"",
            topic="t",
            partition=0,
            offset=offset,
        )
        for offset, (tenant, type_) in enumerate(parts)
    ]
)


@given(events)
def test_every_event_is_in_exactly_one_run(batch: list[ReceivedEvent]) -> None:
    handed = [event for run in split(batch, ROUTES) for event in run.events]
    assert sorted(event.offset for event in handed) == [event.offset for event in batch]


@given(events)
def test_a_run_has_one_tenant_and_one_route(batch: list[ReceivedEvent]) -> None:
    for run in split(batch, ROUTES):
        assert run.events
        assert {event.tenant_id for event in run.events} == {run.tenant_id}
        assert all(ROUTES[event.type] is run.route for event in run.events)


@given(events)
def test_a_tenants_events_keep_their_order_across_runs(batch: list[ReceivedEvent]) -> None:
    handed = [event for run in split(batch, ROUTES) for event in run.events]
    for tenant in {event.tenant_id for event in batch}:
        of_tenant = [event.offset for event in handed if event.tenant_id == tenant]
        assert of_tenant == sorted(of_tenant)


@given(events)
def test_runs_are_no_smaller_than_they_must_be(batch: list[ReceivedEvent]) -> None:
    runs = [(run.tenant_id, id(run.route)) for run in split(batch, ROUTES)]
    assert len(list(groupby(runs))) == len(runs)
