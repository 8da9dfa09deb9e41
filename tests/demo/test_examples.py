"""The examples of the documentation are what they say."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from sandbox.pohoda.installation import local_time
from sandbox.pohoda.model import Company
from sandbox.pohoda.seed import Seed, sow
from spojka.api.orders.v1 import order_pb2
from tests.cli.running import run

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ORDERS = sorted(EXAMPLES.glob("order-*.json"))
CONNECTION = EXAMPLES / "connection.json"


def _request(order: Path, *options: str) -> dict[str, Any]:
    result = run("inspect", "order", "--system", "pohoda", *options, str(order))
    assert result.exit_code == 0, result.stderr
    (request,) = json.loads(result.stdout)["requests"]
    found: dict[str, Any] = request
    return found


def _order(path: Path) -> order_pb2.Order:
    return json_format.Parse(path.read_text(encoding="utf-8"), order_pb2.Order())


@pytest.mark.parametrize("path", ORDERS, ids=lambda path: path.stem)
def test_each_order_becomes_a_request_with_all_its_lines(path: Path) -> None:
    order = _order(path)
    for options in ((), ("--connection", str(CONNECTION))):
        request = _request(path, *options)
        assert (request["method"], request["path"]) == ("POST", "/xml")
        assert request["body"].count("<ord:orderItem>") == len(order.lines)
        assert ("<ord:foreignCurrency>" in request["body"]) == (order.currency == "EUR")
        for line in order.lines:
            assert f">{line.name}<" in request["body"]


def test_the_connection_decides_what_is_sent() -> None:
    path = EXAMPLES / "order-czk-by-number.json"
    assert "<typ:ids>HLAVNI</typ:ids>" in _request(path, "--connection", str(CONNECTION))["body"]
    assert "<typ:ids>HLAVNI</typ:ids>" not in _request(path)["body"]


def test_the_examples_show_what_the_readme_promises() -> None:
    orders = [_order(path) for path in ORDERS]
    lines = [line for order in orders for line in order.lines]
    goods = [line for line in lines if line.kind in {0, order_pb2.LINE_KIND_GOODS}]
    assert {order.currency for order in orders} == {"CZK", "EUR"}
    assert {order.prices_include_vat for order in orders} == {True, False}
    for currency in ("CZK", "EUR"):
        named = [
            (bool(line.product_number), bool(line.ean))
            for order in orders
            if order.currency == currency
            for line in order.lines
            if line in goods
        ]
        assert {(True, False), (False, True)} <= set(named)
    assert {line.vat_rate for line in goods} == {"21", "12"}
    kinds = {line.kind for line in lines}
    assert {
        order_pb2.LINE_KIND_DISCOUNT,
        order_pb2.LINE_KIND_SHIPPING,
        order_pb2.LINE_KIND_PAYMENT_FEE,
    } <= kinds
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(path.name in readme for path in EXAMPLES.glob("*.json"))


def test_their_items_are_in_the_warehouse_of_the_demo() -> None:
    company = Company(local_time)
    sow(company, Seed(items=20))
    for order in map(_order, ORDERS):
        for line in order.lines:
            assert not line.product_number or company.cards.find("code", line.product_number)
            assert not line.ean or company.cards.find("ean", line.ean)
