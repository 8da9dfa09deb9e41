"""What is of a tenant whom the directory does not know is found, and named."""

from dataclasses import replace
from uuid import uuid4

from spojka.verification.model import Difference
from tests.verification.lived import Lived


async def _strangers(lived: Lived, service: str, **how: bool) -> list[Difference]:
    report = await lived.verify(service, **how)
    found = report.services[service].differences
    return [each for _, each in found if each.what == "tenant"]


def _without(lived: Lived, service: str) -> Lived:
    """The installation, its directory having lost the tenant of a story."""
    return replace(
        lived, tenants={name: id_ for name, id_ in lived.tenants.items() if name != service}
    )


async def test_rows_of_a_tenant_who_is_not_known_are_found(lived: Lived) -> None:
    left = _without(lived, "payments")
    (found,) = await _strangers(left, "payments")
    assert found.id == str(lived.tenants["payments"])
    assert found.field == "rows"
    assert {"payments.payment", "payments.payable", "payments.allocation"} <= set(
        found.stored.split(", ")
    )
    assert await _strangers(left, "orders") == []


async def test_one_row_of_a_tenant_between_others_is_found(copy: Lived) -> None:
    stranger = uuid4()
    assert copy.change(
        "INSERT INTO stock.warehouse SELECT (json_populate_record(warehouse, json_build_object("
        f"'tenant_id', '{stranger}'))).* FROM stock.warehouse LIMIT 1"
    )
    (found,) = await _strangers(copy, "stock")
    assert (found.id, found.stored) == (str(stranger), "stock.warehouse")


async def test_without_a_role_that_sees_all_what_topics_tell_is_found(lived: Lived) -> None:
    left = _without(lived, "payments")
    assert await _strangers(left, "payments", bound=True) == []
    report = await left.verify("payments", bound=True)
    # It says so.
    hidden = report.services["payments"].checked["table that hides unknown tenants from this role"]
    assert hidden >= 10
    (found,) = await _strangers(left, "payments", bound=True, topics=True)
    assert (found.id, found.field) == (str(lived.tenants["payments"]), "events")
    assert "payments.v1" in found.stored
    (address,) = await _strangers(_without(lived, "mail_ingest"), "mail_ingest", bound=True)
    assert (address.field, address.stored) == ("rows", "mail_ingest.address")


async def test_a_tenant_who_came_meanwhile_is_no_stranger(lived: Lived) -> None:
    """The directory is read again before it is called unknown."""
    report = await replace(_without(lived, "payments"), census=lived.tenants).verify("payments")
    assert report.agrees
