"""A merchant who has lived with Spojka for a while: every table of every service has its rows.

What people write freely (names, notes, reasons) bears the merchant's mark;
natural keys (channels, listings, product numbers, order numbers) don't, since
another merchant may use the same.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from sandbox.banks import Account as BankAccount
from sandbox.banks import Effect, Fault, Transfer
from sandbox.banks.street import STRANGER_IP
from sandbox.demo import accounts
from sandbox.demo.office import Office
from sandbox.demo.treasury import Treasury
from sandbox.demo.warehouse import Warehouse, controlled
from sandbox.pohoda import goods
from sandbox.pohoda.server import Running
from sandbox.pohoda.server import running as open_pohoda
from sandbox.pohoda.settings import Account, Settings
from sandbox.shops import EdgeClient
from spojka.api.mail.v1 import mail_service_pb2 as mails
from spojka.api.orders.v1 import order_pb2
from spojka.api.orders.v1 import order_service_pb2 as orders
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
from spojka.api.payments.v1 import payment_pb2
from spojka.api.payments.v1 import payment_service_pb2 as payments
from spojka.api.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from spojka.api.stock.v1 import listing_service_pb2 as listings
from spojka.api.stock.v1 import warehouse_service_pb2 as warehouses
from spojka.api.stock.v1.listing_service_pb2_grpc import ListingServiceStub
from tests.security.house import House
from tests.waiting import until

SHOPS: Final = ("shop", "market")
CARDS: Final = 14
"""Enough that losing nearly all of them is a mass change, which waits for a person."""
PIECES: Final = 5
QUIET_SECONDS: Final = 86_400


@dataclass(slots=True)
class Merchant:
    """One merchant with a key of each kind."""

    name: str
    mark: str
    house: House
    operator: EdgeClient
    tenant_id: str
    account: str
    pohoda: Running
    shop_keys: dict[str, str] = field(default_factory=dict)
    connection_id: str = ""
    orders: dict[str, order_pb2.Order] = field(default_factory=dict)

    @property
    def office(self) -> Office:
        """Those who look after the goods."""
        return Office(self.operator)

    @property
    def treasury(self) -> Treasury:
        """Those who look after the money."""
        return Treasury(self.operator)

    def call(self, stub: Any, method: str, request: Any) -> Awaitable[Any]:
        """Call a method of a service as an operator."""
        return self.operator.call(getattr(stub(self.operator.channel), method), request)

    async def live(self) -> None:
        """Do a little of everything."""
        await self._open_shops()
        await self._connect_warehouse()
        await self._list_goods()
        await self._sell()
        await self._take_money()
        await self._decide()
        await until(self._is_imported, "the orders are imported")
        await self._lose_the_stock()

    async def _open_shops(self) -> None:
        for shop in SHOPS:
            await self.office.create_channel(shop, f"{shop} {self.mark}")
            self.shop_keys[shop] = await accounts.channel_key(self.operator, shop)
        await self.treasury.set_statuses(placed="placed", paid=f"paid {self.mark}")

    async def _connect_warehouse(self) -> None:
        company = self.pohoda.installation.company
        for number in range(CARDS):
            goods.put_card(company, self._card(number))
        (account,) = self.pohoda.installation.settings.accounts
        connection = await self.office.create_connection(
            warehouses.Connection(
                system="pohoda",
                name=f"Pohoda {self.mark}",
                settings={"url": self.pohoda.url, "ico": "12345678"},
                credentials={"username": account.user, "password": account.password},
                reading_interval_seconds=QUIET_SECONDS,
                probe_interval_seconds=QUIET_SECONDS,
            )
        )
        self.connection_id = connection.id
        await self.office.activate(connection.id)
        await until(self._has_items, "the items are read")

    def _card(self, number: int) -> goods.CardEntry:
        return goods.CardEntry(
            store="MAIN",
            code=f"P-{number}",
            name=f"Goods {number} {self.mark}",
            count=Decimal(PIECES),
        )

    async def _has_items(self) -> bool:
        return any(
            reading.state == warehouses.READING_STATE_APPLIED
            for reading in await self.office.readings(self.connection_id)
        )

    async def _lose_the_stock(self) -> None:
        """Let a reading come that a person must look at, and leave it so."""
        async with controlled(self.pohoda.url) as warehouse:
            await self._empty(warehouse)
        await self.office.read_all_now(self.connection_id)

        async def held() -> bool:
            return any(
                reading.state == warehouses.READING_STATE_HELD
                for reading in await self.office.readings(self.connection_id)
            )

        await until(held, "a reading is held")

    @staticmethod
    async def _empty(warehouse: Warehouse) -> None:
        for card in await warehouse.cards():
            await warehouse.move(card, -PIECES, "sold over the counter")

    async def _list_goods(self) -> None:
        for shop in SHOPS:
            request = listings.PutListingsRequest(
                channel_id=shop,
                listings=[
                    listings.Listing(
                        id=f"L-{number}",
                        product_number=f"P-{number}",
                        name=f"{shop} {number} {self.mark}",
                    )
                    for number in range(CARDS + 1)
                ],
            )
            await self.call(ListingServiceStub, "PutListings", request)
        first = (await self.office.item("P-0")).id
        link = listings.LinkListingRequest(
            channel_id="shop", listing_id=f"L-{CARDS}", item_id=first
        )
        await self.call(ListingServiceStub, "LinkListing", link)
        rule = listings.OfferRule(channel_id="shop", buffer="1")
        await self.call(
            ListingServiceStub, "UpdateOfferRule", listings.UpdateOfferRuleRequest(offer_rule=rule)
        )

    async def _sell(self) -> None:
        for number, (shop, product, pieces) in enumerate(
            (
                ("shop", "P-0", "1"),  # is paid
                ("shop", "P-1", "1"),  # is paid and cancelled
                ("shop", "P-2", "1"),  # stays unpaid
                ("shop", "P-2", str(3 * PIECES)),  # more than there is
                ("shop", "unheard-of", "1"),  # can't be imported
                ("market", "P-3", "2"),
            ),
            1,
        ):
            order = self._order(f"{shop}-{number}", shop, product, pieces, symbol=f"26000{number}")
            answer = await self.call(
                OrderServiceStub, "PlaceOrder", orders.PlaceOrderRequest(order=order)
            )
            self.orders[answer.order.number] = answer.order

    def _order(
        self, number: str, shop: str, product: str, pieces: str, symbol: str
    ) -> order_pb2.Order:
        address = order_pb2.Address(
            name=f"Jana {self.mark}", street=f"Krátká {self.mark}", city="Brno", country="CZ"
        )
        return order_pb2.Order(
            channel_id=shop,
            channel_order_id=number,
            number=number,
            currency="CZK",
            prices_include_vat=True,
            customer=order_pb2.Customer(name=f"Jana {self.mark}", email="jana@example.com"),
            billing_address=address,
            shipping_address=address,
            note=f"{shop} note {self.mark}",
            payment_method=order_pb2.PAYMENT_METHOD_BANK_TRANSFER,
            references=order_pb2.OrderReferences(variable_symbol=symbol),
            lines=[
                order_pb2.OrderLine(
                    id="1",
                    product_number=product,
                    name=f"Line {self.mark}",
                    quantity=pieces,
                    unit_price="100",
                    vat_rate="21",
                )
            ],
        )

    async def _take_money(self) -> None:
        bank = self.house.street.fio
        connection = await self.treasury.connect(f"Fio {self.mark}", f"{self.account}/2010", "CZK")
        owner = BankAccount(self.account, "CZK", "Owner", Decimal(1000), [connection.address])
        bank.open_account(owner)
        await bank.take(self.account, self._transfer("1.50", ""))
        await until(self._told(1), "the first payment is told")
        (first,) = await self.treasury.payments()
        await self.treasury.confirm(first.id)
        for amount, symbol in (
            ("100", "260001"),
            ("100", "260002"),
            ("700", "999999"),
            ("800", "999998"),
            ("250", "260006"),
        ):
            await bank.take(self.account, self._transfer(amount, symbol))
        await until(self._told(6), "six payments are told")
        bank.faults.add(Fault(Effect.ELSEWHERE, address=STRANGER_IP))
        await bank.take(self.account, self._transfer("900", "260003"))

        async def quarantined() -> bool:
            return any(
                mail.state == mails.MAIL_STATE_QUARANTINED
                for mail in await self.treasury.mails(connection.id)
            )

        await until(quarantined, "a mail is quarantined")

    def _transfer(self, amount: str, symbol: str) -> Transfer:
        return Transfer(Decimal(amount), vs=symbol, message=f"for {self.mark}")

    def _told(self, count: int) -> Callable[[], Awaitable[bool]]:
        async def told() -> bool:
            return len(await self.treasury.payments()) == count

        return told

    async def _decide(self) -> None:
        by_symbol = {each.variable_symbol: each for each in await self.treasury.payments()}
        await until(self._is_paid, "the order is paid")
        paid = self.orders["shop-2"]
        cancel = orders.CancelOrderRequest(
            id=paid.id, expected_revision=1, reason=f"regret {self.mark}"
        )
        await self.call(OrderServiceStub, "CancelOrder", cancel)
        discard = payments.DiscardPaymentRequest(
            id=by_symbol["999999"].id, reason=f"not ours {self.mark}"
        )
        await self.call(PaymentServiceStub, "DiscardPayment", discard)
        never = payments.NeverPairRequest(
            id=by_symbol["999998"].id, order_id=self.orders["shop-3"].id
        )
        await self.call(PaymentServiceStub, "NeverPair", never)
        rules = await self.treasury.rules()
        rules.message_pattern = f"{self.mark} ([0-9]+)"
        await self.call(
            PaymentServiceStub,
            "UpdateMatchingRules",
            payments.UpdateMatchingRulesRequest(rules=rules),
        )

    async def _is_imported(self) -> bool:
        order = self.orders["shop-1"]
        answer = await self.call(OrderServiceStub, "GetOrder", orders.GetOrderRequest(id=order.id))
        states = getattr(answer.order, "import").state
        return bool(states == order_pb2.IMPORT_STATE_ACKED)

    async def _is_paid(self) -> bool:
        matched = [
            each
            for each in await self.treasury.payments()
            if each.status
            in {payment_pb2.PAYMENT_STATUS_MATCHED, payment_pb2.PAYMENT_STATUS_OVERPAID}
        ]
        request = orders.GetOrderRequest(id=self.orders["shop-2"].id)
        answer = await self.call(OrderServiceStub, "GetOrder", request)
        paid = answer.order.payment_state == order_pb2.PAYMENT_STATE_PAID
        return paid and len(matched) >= 3


@asynccontextmanager
async def settled(house: House, name: str, mark: str, account: str) -> AsyncIterator[Merchant]:
    """A new merchant who has lived with Spojka for a while; the warehouse runs in the block."""
    tenant = await accounts.create_tenant(house.admin, name, name)
    acting = house.admin.acting_as(house.admin.key, name)
    operator = acting.acting_as(await accounts.operator_key(acting))
    password = house.plant(f"password of the mServer of {name}")
    settings = Settings(accounts=(Account("api-user", password),))
    async with open_pohoda(settings=settings) as pohoda:
        merchant = Merchant(name, mark, house, operator, tenant.id, account, pohoda)
        await merchant.live()
        yield merchant
