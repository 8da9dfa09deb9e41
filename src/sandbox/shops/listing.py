"""What a shop sells."""

from dataclasses import dataclass
from decimal import Decimal

from spojka.api.stock.v1 import listing_service_pb2 as api


@dataclass(frozen=True, slots=True)
class Listing:
    """A shop's own product. It names the merchant's item by number, by EAN, or both."""

    id: str
    name: str
    price: Decimal
    product_number: str = ""
    ean: str = ""
    vat_rate: Decimal = Decimal(21)

    def message(self) -> api.Listing:
        """The listing as it is reported to Spojka."""
        return api.Listing(
            id=self.id, product_number=self.product_number, ean=self.ean, name=self.name
        )
