"""What a channel says of an order: its content and its references."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import IntEnum

from spojka.api.orders.v1 import order_pb2


class LineKind(IntEnum):
    """What is sold on a line."""

    GOODS = order_pb2.LINE_KIND_GOODS
    SHIPPING = order_pb2.LINE_KIND_SHIPPING
    PAYMENT_FEE = order_pb2.LINE_KIND_PAYMENT_FEE
    DISCOUNT = order_pb2.LINE_KIND_DISCOUNT
    SERVICE = order_pb2.LINE_KIND_SERVICE


class PaymentMethod(IntEnum):
    """How the customer pays."""

    BANK_TRANSFER = order_pb2.PAYMENT_METHOD_BANK_TRANSFER
    GATEWAY = order_pb2.PAYMENT_METHOD_GATEWAY
    CASH_ON_DELIVERY = order_pb2.PAYMENT_METHOD_CASH_ON_DELIVERY
    MARKETPLACE = order_pb2.PAYMENT_METHOD_MARKETPLACE
    CASH = order_pb2.PAYMENT_METHOD_CASH


@dataclass(frozen=True, slots=True)
class Customer:
    """Who ordered."""

    name: str = ""
    company: str = ""
    company_id: str = ""
    tax_id: str = ""
    vat_id: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the invoice or the goods go."""

    name: str = ""
    company: str = ""
    street: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `unit_price` is in the order's currency; `vat_rate` in percent, if it was told."""

    id: str
    kind: LineKind
    listing_id: str
    product_number: str
    ean: str
    name: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    vat_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Content:
    """What was ordered, by whom and where to.

    Always complete: what a channel leaves out has its default. `total` is what
    the customer is to pay, VAT included.
    """

    channel_id: str
    channel_order_id: str
    number: str
    currency: str
    prices_include_vat: bool
    customer: Customer
    billing_address: Address | None
    shipping_address: Address | None
    lines: tuple[Line, ...]
    shipping_method: str
    payment_method: PaymentMethod
    payment_method_name: str
    total: Decimal
    note: str


@dataclass(frozen=True, slots=True)
class References:
    """What a payment may name; each can come after the order."""

    variable_symbol: str = ""
    invoice_number: str = ""
    invoice_variable_symbol: str = ""
    gateway_reference: str = ""

    def with_news(self, news: "References") -> "References":
        """These, with what `news` names in place of what stood there."""
        return References(
            variable_symbol=news.variable_symbol or self.variable_symbol,
            invoice_number=news.invoice_number or self.invoice_number,
            invoice_variable_symbol=news.invoice_variable_symbol or self.invoice_variable_symbol,
            gateway_reference=news.gateway_reference or self.gateway_reference,
        )

    def named(self) -> Mapping[str, str]:
        """Those that are there, by their names."""
        values = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class Wish:
    """An order as a channel wants it. `order_time` is None where it was not told."""

    content: Content
    order_time: datetime | None
    references: References
