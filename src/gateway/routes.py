"""Which public service is served where: the one table of the edge."""

from collections.abc import Mapping
from typing import Final

from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor

from spojka.api.accounts.v1 import accounts_service_pb2
from spojka.api.mail.v1 import mail_service_pb2
from spojka.api.orders.v1 import channel_service_pb2, order_service_pb2
from spojka.api.payments.v1 import connection_service_pb2, payment_service_pb2
from spojka.api.stock.v1 import item_service_pb2, listing_service_pb2, warehouse_service_pb2
from spojka.settings import Settings

STOCK: Final = "stock"
ORDERS: Final = "orders"
PAYMENTS: Final = "payments"
MAIL_INGEST: Final = "mail_ingest"


def _services(*files: FileDescriptor) -> tuple[ServiceDescriptor, ...]:
    return tuple(service for file in files for service in file.services_by_name.values())


OWN: Final = accounts_service_pb2.DESCRIPTOR.services_by_name
"""The services that the edge serves itself, by name."""

FORWARDED: Final[Mapping[str, tuple[ServiceDescriptor, ...]]] = {
    ORDERS: _services(order_service_pb2.DESCRIPTOR, channel_service_pb2.DESCRIPTOR),
    STOCK: _services(
        warehouse_service_pb2.DESCRIPTOR,
        item_service_pb2.DESCRIPTOR,
        listing_service_pb2.DESCRIPTOR,
    ),
    PAYMENTS: _services(payment_service_pb2.DESCRIPTOR),
    MAIL_INGEST: (
        mail_service_pb2.DESCRIPTOR.services_by_name["MailService"],
        connection_service_pb2.DESCRIPTOR.services_by_name["BankConnectionService"],
    ),
}
"""The services that stand behind the edge, by the service of Spojka that serves them."""


def addresses(settings: Settings) -> dict[str, str]:
    """Where the services behind the edge are."""
    return {
        ORDERS: settings.orders_address,
        STOCK: settings.stock_address,
        PAYMENTS: settings.payments_address,
        MAIL_INGEST: settings.mail_ingest_address,
    }
