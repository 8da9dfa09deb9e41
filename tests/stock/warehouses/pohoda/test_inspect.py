"""What the command line shows of an order, offline."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from stock.warehouses.errors import Refused, SettingsInvalid
from stock.warehouses.pohoda import inspect_requests
from stock.warehouses.pohoda.order_request import write_order
from stock.warehouses.pohoda.settings import PohodaSettings
from stock.warehouses.port import OrderDocument

MakeSettings = Callable[..., PohodaSettings]


def test_the_request_without_secrets(order: OrderDocument) -> None:
    (request,) = inspect_requests(order, {})
    assert (request.method, request.path) == ("POST", "/xml")
    assert request.headers == {
        "Content-Type": "text/xml",
        "STW-Authorization": "Basic ***",
        "STW-Application": "Spojka",
        "STW-Instance": "eshop1:100200143:1",
        "STW-Check-Duplicity": "true",
        "Accept-Encoding": "gzip, deflate",
        "Connection": "close",
    }
    assert request.body.startswith('<?xml version="1.0" encoding="Windows-1250"?>')


def test_the_body_is_what_the_client_sends(
    order: OrderDocument, make_settings: MakeSettings
) -> None:
    given = {"url": "https://p.example.com/proxy", "ico": "12345678", "encoding": "utf-8"}
    (request,) = inspect_requests(order, {**given, "username": "api", "password": "secret"})
    assert request.path == "/proxy/xml"
    connection = make_settings(encoding="utf-8", default_store="")
    assert request.body.encode() == write_order(order, connection)
    assert "secret" not in repr(request)


def test_mistakes_are_told(order: OrderDocument) -> None:
    with pytest.raises(SettingsInvalid, match="edition"):
        inspect_requests(order, {"edition": "x"})
    line = replace(order.lines[0], product_number="")
    with pytest.raises(Refused, match="names no card"):
        inspect_requests(replace(order, lines=(line,)), {})


def test_the_example_is_valid(request_schema: etree.XMLSchema, order: OrderDocument) -> None:
    (request,) = inspect_requests(order, {"ico": "", "url": " "})
    assert request_schema.validate(etree.fromstring(request.body.encode("cp1250")))
