"""Two shops that sell and receive stock, as a merchant's own and as a marketplace would.

`listing` is what a shop sells, `shelf` what it shows of it, `till` how it
sells, `edge` its calls to Spojka, `shop` all of these together. A `GrpcShop`
is told its offers by WatchStock; a `KafkaShop` reads the stock topic, as a
consumer that the operator trusts.
"""

from sandbox.shops.edge import EdgeClient
from sandbox.shops.grpc_shop import GrpcShop
from sandbox.shops.kafka_shop import KafkaShop
from sandbox.shops.listing import Listing
from sandbox.shops.shelf import NotShown, Shelf
from sandbox.shops.shop import Shop
from sandbox.shops.till import Till

__all__ = [
    "EdgeClient",
    "GrpcShop",
    "KafkaShop",
    "Listing",
    "NotShown",
    "Shelf",
    "Shop",
    "Till",
]
