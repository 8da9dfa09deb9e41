"""The vendor's schemas and the documents composed after them, where they are at hand."""

from pathlib import Path

import pytest

from tests.sandbox.pohoda.client import Client

# What each request of the examples must come back with, item by item.
EXPECTED = {
    "01_stock_request_page.xml": ["ok"],
    "02_stock_request_changes.xml": ["ok"],
    "03_stock_request_by_code_and_ean.xml": ["ok", "ok"],
    "21_store_list_request.xml": ["ok", "ok"],
    "31_order_import_request_czk.xml": ["ok"],
    "32_order_import_request_eur_by_ean.xml": ["ok"],
    "51_order_list_request_by_extid.xml": ["ok", "ok"],
    "61_movement_list_request.xml": ["ok"],
    "71_order_delete_request.xml": ["ok"],
}


async def test_the_examples_are_answered_and_every_answer_is_valid(
    pohoda: Client, reference: Path | None
) -> None:
    if reference is None:
        pytest.skip(
            "SPOJKA_REFERENCE_DIR is not set: the stand-in's answers are NOT validated against "
            "the vendor's schemas in this run, and the sample requests are not sent"
        )
    assert pohoda.schema is not None
    examples = reference / "pohoda" / "examples"
    assert {path.name for path in examples.glob("*_request*.xml")} == set(EXPECTED)
    for name, states in sorted(EXPECTED.items()):
        answer = pohoda.parse((await pohoda.post((examples / name).read_bytes())).content)
        assert [item.get("state") for item in answer] == states, name
        assert answer.get("state") == "ok"
    made = (await pohoda.ledger("counters"))["counters"]
    assert (made["orders_created"], made["orders_kept"]) == (2, 1)
