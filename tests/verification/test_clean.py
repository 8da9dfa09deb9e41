"""What was lived through by the services' own code agrees with itself, to the byte."""

from tests.verification.lived import Lived


async def test_a_lived_in_installation_agrees(lived: Lived) -> None:
    report = await lived.verify(topics=True)
    assert [found for each in report.services.values() for found in each.differences] == []
    assert report.agrees
    checked = {name: each.checked for name, each in report.services.items()}
    # Nothing agrees for want of being looked at.
    assert checked["stock"]["item"] == 7
    assert checked["stock"]["import"] == 10
    assert checked["stock"]["hold"] >= 6
    assert checked["orders"]["order"] == 5
    assert checked["orders"]["order, compared with payments.v1"] == 3
    assert checked["orders"]["order, compared with payments"] == 3
    assert checked["orders"]["order, compared with imports.v1"] == 5
    assert checked["orders"]["order, compared with stock"] == 5
    assert checked["payments"]["payment"] == 10
    assert checked["mail_ingest"]["mail"] == 4
    for service, kinds in {
        "stock": ("stock.v1: events of item", "imports.v1: events of import"),
        "orders": ("orders.v1: events of order",),
        "payments": (
            "payments.v1: events of payment received",
            "payments.v1: events of payment matched",
            "payments.v1: events of order paid",
        ),
        "mail_ingest": ("notifications.v1: events of movement",),
    }.items():
        for kind in kinds:
            assert checked[service][kind] > 0, kind
    assert all(each["table searched for unknown tenants"] > 5 for each in checked.values())
