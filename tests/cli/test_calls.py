"""Each command makes the call that it stands for, through a real edge."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message

from spojka.api.common.v1.money_pb2 import Money
from spojka.api.common.v1.task_pb2 import Task
from spojka.api.mail.v1 import events_pb2
from spojka.api.mail.v1 import mail_service_pb2 as mails
from spojka.api.orders.v1 import channel_service_pb2 as channels
from spojka.api.orders.v1 import order_pb2
from spojka.api.orders.v1 import order_service_pb2 as orders
from spojka.api.payments.v1 import connection_service_pb2 as connections
from spojka.api.payments.v1 import payment_pb2
from spojka.api.payments.v1 import payment_service_pb2 as payments
from spojka.api.stock.v1 import item_service_pb2 as items
from spojka.api.stock.v1 import listing_service_pb2 as listings
from spojka.api.stock.v1 import warehouse_service_pb2 as warehouse
from spojka.errors import Conflict, InvalidArgument, NotFound, Violation
from tests.cli.running import call
from tests.gateway.echo import Heard
from tests.gateway.house import House

ID = "0190a4e2-0000-7000-8000-000000000001"
OTHER = "0190a4e2-0000-7000-8000-000000000002"

CALLS: list[tuple[str, Message]] = [
    ("channel create eshop-cz --name Česko", channels.CreateChannelRequest(
        channel=channels.Channel(id="eshop-cz", name="Česko"))),
    ("channel list", channels.ListChannelsRequest(page_size=100)),
    ("channel status-rule", channels.GetStatusRuleRequest()),
    ("channel status-rule --paid Uhrazená --paid-unless Storno", channels.UpdateStatusRuleRequest(
        status_rule=channels.StatusRule(placed="Nová", paid="Uhrazená", paid_unless=["Storno"]))),
    ("channel status-rule --clear --paid X", channels.UpdateStatusRuleRequest(
        status_rule=channels.StatusRule(paid="X"))),
    ("channel update eshop-cz --name Nový", channels.UpdateChannelRequest(
        channel=channels.Channel(id="eshop-cz", name="Nový",
                                 status_rule=channels.StatusRule(paid="Ano")))),
    ("channel status-rule eshop-cz --delivered Hotovo", channels.UpdateChannelRequest(
        channel=channels.Channel(id="eshop-cz", name="Starý",
                                 status_rule=channels.StatusRule(paid="Ano",
                                                                 delivered="Hotovo")))),
    ("channel status-rule eshop-cz --clear", channels.UpdateChannelRequest(
        channel=channels.Channel(id="eshop-cz", name="Starý"))),
    ("order list --payment unpaid --fulfilment partly-delivered --import acked --channel eshop-cz",
     orders.ListOrdersRequest(
        page_size=50, channel_id="eshop-cz", payment_state=order_pb2.PAYMENT_STATE_UNPAID,
        fulfilment_state=order_pb2.FULFILMENT_STATE_PARTLY_DELIVERED,
        import_state=order_pb2.IMPORT_STATE_ACKED)),
    (f"order show {ID}", orders.GetOrderRequest(id=ID)),
    ("order show 2026/1 --channel eshop-cz", orders.GetOrderRequest(
        channel_id="eshop-cz", channel_order_id="2026/1")),
    (f"order cancel {ID} --reason změna", orders.CancelOrderRequest(
        id=ID, expected_revision=7, reason="změna")),
    (f"order cancel {ID} --revision 3", orders.CancelOrderRequest(id=ID, expected_revision=3)),
    (f"order history {ID}", orders.ListOrderHistoryRequest(id=ID, page_size=100)),
    ("warehouse systems", warehouse.ListWarehouseSystemsRequest()),
    (("warehouse create --system pohoda --set url=http://a --set ico=1 --credential password=x "
     "--meaning net-of-reservations --aggregation max --pairing ean --buffer 2 "
     "--no-automatic-import --reading-seconds 60 --mass-change-percent 5"),
     warehouse.CreateConnectionRequest(connection=warehouse.Connection(
        system="pohoda", settings={"url": "http://a", "ico": "1"}, credentials={"password": "x"},
        meaning=warehouse.MEANING_NET_OF_RESERVATIONS, aggregation=warehouse.AGGREGATION_MAX,
        pairing=warehouse.PAIRING_EAN, buffer="2", automatic_import=False,
        reading_interval_seconds=60, mass_change_limit_percent=5))),
    ("warehouse update --set ico= --name Hlavní", warehouse.UpdateConnectionRequest(
        connection=warehouse.Connection(
            id=ID, system="pohoda", name="Hlavní", settings={"url": "http://a"}))),
    ("warehouse list", warehouse.ListConnectionsRequest(page_size=50)),
    (f"warehouse show {OTHER}", warehouse.GetConnectionRequest(id=OTHER)),
    ("warehouse test", warehouse.TestConnectionRequest(id=ID)),
    ("warehouse activate", warehouse.ActivateConnectionRequest(id=ID)),
    (f"warehouse deactivate {OTHER}", warehouse.DeactivateConnectionRequest(id=OTHER)),
    ("warehouse sync --full", warehouse.SyncNowRequest(id=ID, full=True)),
    ("warehouse warehouses", warehouse.ListWarehousesRequest(connection_id=ID)),
    ("warehouse warehouses --exclude A --include C --first C --first B",
     warehouse.UpdateWarehousesRequest(connection_id=ID, warehouses=[
        warehouse.Warehouse(code="C", included=True), warehouse.Warehouse(code="B", included=True),
        warehouse.Warehouse(code="A")])),
    ("warehouse readings", warehouse.ListReadingsRequest(connection_id=ID, page_size=20)),
    (f"warehouse approve {ID}", warehouse.ApproveReadingRequest(id=ID)),
    (f"warehouse reject {ID}", warehouse.RejectReadingRequest(id=ID)),
    ("warehouse rotate-impulse", warehouse.RotateImpulseUrlRequest(id=ID)),
    (f"item show {ID}", items.GetItemRequest(id=ID)),
    ("item show ABC-1", items.GetItemRequest(product_number="ABC-1")),
    ("item show 8590000000017 --ean", items.GetItemRequest(ean="8590000000017")),
    ("item list --prefix AB --unlinked --removed", items.ListItemsRequest(
        page_size=100, product_number_prefix="AB", unlinked_only=True, include_removed=True)),
    ("item trace ABC-1", items.TraceItemRequest(id=ID, page_size=50)),
    (f"item holds ABC-1 --order {OTHER} --ended", items.ListHoldsRequest(
        page_size=100, item_id=ID, order_id=OTHER, include_ended=True)),
    ("listing list eshop-cz --unlinked", listings.ListListingsRequest(
        channel_id="eshop-cz", page_size=100, unlinked_only=True)),
    (f"listing link eshop-cz 7 {ID}", listings.LinkListingRequest(
        channel_id="eshop-cz", listing_id="7", item_id=ID)),
    ("listing unlink eshop-cz 7", listings.UnlinkListingRequest(
        channel_id="eshop-cz", listing_id="7")),
    ("listing suggest eshop-cz 7", listings.SuggestItemsRequest(
        channel_id="eshop-cz", listing_id="7")),
    ("listing coverage", listings.GetCoverageRequest()),
    ("listing conflicts", listings.ListConflictsRequest(page_size=100)),
    ("import list --state blocked", items.ListImportsRequest(
        page_size=50, state=order_pb2.IMPORT_STATE_BLOCKED)),
    (f"import show {ID}", items.GetImportRequest(order_id=ID)),
    (f"import retry {ID}", items.RetryImportRequest(order_id=ID)),
    (f"import settle {ID} --document 25OP1", items.SettleImportRequest(
        order_id=ID, document_id="25OP1")),
    (f"import settle {ID} --none", items.SettleImportRequest(order_id=ID)),
    ("bank create --account 123-45/0100 --currency CZK --name Hlavní --automatic-limit 5000",
     connections.CreateBankConnectionRequest(connection=connections.BankConnection(
        account="123-45/0100", currency="CZK", name="Hlavní", automatic_limit="5000"))),
    ("bank list", connections.ListBankConnectionsRequest(page_size=100)),
    (f"bank show {ID}", connections.GetBankConnectionRequest(id=ID)),
    (f"bank update {ID} --mailbox ucetni@shop.example --per-hour 9",
     connections.UpdateBankConnectionRequest(connection=connections.BankConnection(
        id=ID, account="1/0100", currency="CZK", name="Starý", automatic_per_hour=9,
        forwarding_mailboxes=["ucetni@shop.example"]))),
    (f"bank deactivate {ID}", connections.UpdateBankConnectionRequest(
        connection=connections.BankConnection(
            id=ID, account="1/0100", currency="CZK", name="Starý", inactive=True))),
    (f"bank activate {ID}", connections.UpdateBankConnectionRequest(
        connection=connections.BankConnection(
            id=ID, account="1/0100", currency="CZK", name="Starý"))),
    (f"bank rotate {ID} --grace-hours 0", connections.RotateAddressRequest(id=ID)),
    (f"mail list --bank {ID} --state quarantined --trust rejected", mails.ListMailsRequest(
        page_size=50, bank_connection_id=ID, state=mails.MAIL_STATE_QUARANTINED,
        trust=events_pb2.TRUST_REJECTED)),
    (f"mail show {ID}", mails.GetMailRequest(id=ID)),
    (f"mail verify {ID}", mails.VerifyMailRequest(id=ID)),
    (f"mail reprocess {ID}", mails.ReprocessMailRequest(id=ID)),
    (f"payment list --status ambiguous --waiting --bank {ID} --vs 42 --since 2026-11-01",
     payments.ListPaymentsRequest(
        page_size=50, status=payment_pb2.PAYMENT_STATUS_AMBIGUOUS, needs_person=True,
        connection_id=ID, variable_symbol="42", value_date_from="2026-11-01")),
    (f"payment show {ID}", payments.GetPaymentRequest(id=ID)),
    (f"payment why {ID}", payments.GetPaymentRequest(id=ID)),
    (f"payment confirm {ID}", payments.ConfirmPaymentRequest(id=ID)),
    (f"payment match {ID} --order {OTHER}=10.5 --order {ID}", payments.MatchPaymentRequest(
        id=ID, shares=[payments.Share(order_id=OTHER, amount="10.5"),
                       payments.Share(order_id=ID)])),
    (f"payment unmatch {ID}", payments.UnmatchPaymentRequest(id=ID)),
    (f"payment credit {ID}", payments.CreditPaymentRequest(id=ID)),
    (f"payment discard {ID} --reason omyl", payments.DiscardPaymentRequest(id=ID, reason="omyl")),
    (f"payment never {ID} --order {OTHER}", payments.NeverPairRequest(id=ID, order_id=OTHER)),
    (f"payment undo {ID}", payments.UndoDecisionRequest(id=ID)),
    ("payment rules show", payments.GetMatchingRulesRequest()),
    ("payment rules set --criterion order-number --tolerance CZK=1 --reuse-after-days 9",
     payments.UpdateMatchingRulesRequest(rules=payments.MatchingRules(
        criteria=[payment_pb2.CRITERION_ORDER_NUMBER], text_needs_person=True,
        tolerances=[Money(currency="CZK", amount="1")], reuse_after_days=9))),
    ("payment rules try --no-text-needs-person --days 7", payments.TryMatchingRulesRequest(
        rules=payments.MatchingRules(
            criteria=[payment_pb2.CRITERION_ORDER_VARIABLE_SYMBOL]), days=7)),
    ("task list --resolved", payments.ListPaymentTasksRequest(
        page_size=50, include_resolved=True)),
    ("task list --resolved", mails.ListMailTasksRequest(page_size=50, include_resolved=True)),
    ("task list --resolved", items.ListStockTasksRequest(page_size=50, include_resolved=True)),
    (f"task resolve {ID}", items.ResolveStockTaskRequest(id=ID)),
]  # fmt: skip

CONNECTION = warehouse.Connection(id=ID, system="pohoda", settings={"url": "http://a", "ico": "1"})
CHANNEL = channels.Channel(id="eshop-cz", name="Starý", status_rule=channels.StatusRule(paid="Ano"))
ANSWERS: dict[type[Message], Message] = {
    warehouse.ListConnectionsRequest: warehouse.ListConnectionsResponse(connections=[CONNECTION]),
    warehouse.TestConnectionRequest: warehouse.TestConnectionResponse(ok=True, message="12.3"),
    warehouse.ListWarehousesRequest: warehouse.ListWarehousesResponse(
        warehouses=[
            warehouse.Warehouse(code="A", included=True),
            warehouse.Warehouse(code="B", included=True),
            warehouse.Warehouse(code="C"),
        ]
    ),
    channels.GetChannelRequest: channels.GetChannelResponse(channel=CHANNEL),
    channels.GetStatusRuleRequest: channels.GetStatusRuleResponse(
        status_rule=channels.StatusRule(placed="Nová")
    ),
    orders.GetOrderRequest: orders.GetOrderResponse(
        order=order_pb2.Order(id=ID, content_revision=7)
    ),
    connections.GetBankConnectionRequest: connections.GetBankConnectionResponse(
        connection=connections.BankConnection(id=ID, account="1/0100", currency="CZK", name="Starý")
    ),
    payments.GetMatchingRulesRequest: payments.GetMatchingRulesResponse(
        rules=payments.MatchingRules(
            criteria=[payment_pb2.CRITERION_ORDER_VARIABLE_SYMBOL], text_needs_person=True
        )
    ),
    items.GetItemRequest: items.GetItemResponse(item=items.Item(id=ID)),
    orders.ListOrderTasksRequest: orders.ListOrderTasksResponse(
        tasks=[Task(id=OTHER, kind="order.late", summary="newer")]
    ),
    items.ListStockTasksRequest: items.ListStockTasksResponse(
        tasks=[Task(id=ID, kind="stock.shortage", summary="older")]
    ),
}


@pytest.fixture
def options(house: House) -> list[str]:
    """The options by which commands call the edge of the test."""

    async def answer(heard: Heard) -> Message:
        known = ANSWERS.get(type(heard.request))
        return known if known is not None else _empty(heard)

    house.echo.unary = answer
    address = f"127.0.0.1:{house.edge.public.port}"
    return ["--address", address, "--key", house.admin, "--tenant", "alpha"]


def _empty(heard: Heard) -> Message:
    from google.protobuf import descriptor_pool, message_factory

    method: Any = descriptor_pool.Default().FindMethodByName(heard.method)
    return message_factory.GetMessageClass(method.output_type)()


async def test_each_command_makes_its_call(house: House, options: list[str]) -> None:
    wrong = []
    for line, request in CALLS:
        house.echo.heard.clear()
        result = await call(*line.split(), *options)
        requests = [_without_id(heard.request) for heard in house.echo.heard]
        if result.exit_code != 0 or request not in requests:
            wrong.append((line, result.exit_code, result.output, requests))
    assert not wrong


@pytest.mark.parametrize("line", [f"payment match {ID} --order {OTHER}", f"payment undo {ID}"])
async def test_what_must_not_be_done_twice_has_an_id_of_its_own(
    house: House, options: list[str], line: str
) -> None:
    for _ in range(2):
        assert (await call(*line.split(), *options)).exit_code == 0
    sent: list[Any] = [heard.request for heard in house.echo.heard]
    assert len({UUID(request.request_id) for request in sent}) == 2


def _without_id(request: Message) -> Message:
    """The request without the id that a command draws for it."""
    plain = type(request)()
    plain.CopyFrom(request)
    if "request_id" in plain.DESCRIPTOR.fields_by_name:
        plain.ClearField("request_id")
    return plain


async def test_a_list_is_a_table_or_json(options: list[str]) -> None:
    table = await call("task", "list", *options)
    lines = table.stdout.splitlines()
    assert lines[0].split() == ["ID", "KIND", "SUBJECT", "SUMMARY", "ADVICE", "RESOLVED_BY"]
    assert [line.split()[-1] for line in lines[1:]] == ["newer", "older"]
    as_json = json.loads((await call("task", "list", "--json", *options)).stdout)
    assert [task["id"] for task in as_json] == [OTHER, ID]


async def test_pages_are_followed_up_to_the_limit(house: House, options: list[str]) -> None:
    async def pages(heard: Heard) -> Message:
        request: Any = heard.request
        start = int(request.page_token or 0)
        end = min(start + request.page_size, start + 3)
        return items.ListItemsResponse(
            items=[items.Item(id=str(number)) for number in range(start, end)],
            next_page_token=str(end),
        )

    house.echo.unary = pages
    result = await call("item", "list", "--limit", "7", "--json", *options)
    assert [item["id"] for item in json.loads(result.stdout)] == list("0123456")


async def test_an_order_is_placed_from_its_json(
    house: House, options: list[str], tmp_path: Path
) -> None:
    order = {
        "channel_id": "eshop-cz",
        "channel_order_id": "1",
        "currency": "CZK",
        "customer": {"name": "Žofie"},
        "payment_method": "PAYMENT_METHOD_GATEWAY",
        "lines": [{"name": "Hrnek", "quantity": "2", "unit_price": "99.50"}],
    }
    file = tmp_path / "order.json"
    file.write_text(json.dumps(order, ensure_ascii=False), encoding="utf-8")
    for source, stdin in ((str(file), None), ("-", file.read_text(encoding="utf-8"))):
        house.echo.heard.clear()
        result = await call("order", "place", source, *options, stdin=stdin)
        assert result.exit_code == 0, result.output
        sent: Any = house.echo.heard[0].request
        assert sent.order.customer.name == "Žofie"
        assert sent.order.lines[0].unit_price == "99.50"
    for content, problem in (("{", "not an order"), ('{"nothing": 1}', "nothing")):
        file.write_text(content, encoding="utf-8")
        result = await call("order", "place", str(file), *options)
        assert result.exit_code == 1
        assert problem in result.stderr
        assert result.stderr.count("\n") == 1


async def test_a_credential_comes_from_a_file_or_a_prompt(
    house: House, options: list[str], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("tajné\n", encoding="utf-8")
    create = ["warehouse", "create", "--system", "pohoda", "--credential"]
    await call(*create, f"password=@{tmp_path / 'secret'}", *options)
    await call(*create, "password", *options, stdin="asked\n")
    sent: list[Any] = [heard.request for heard in house.echo.heard]
    assert [each.connection.credentials["password"] for each in sent] == ["tajné", "asked"]


async def test_a_task_of_an_order_is_found_after_those_of_stock(
    house: House, options: list[str]
) -> None:
    async def only_orders(heard: Heard) -> Message:
        if isinstance(heard.request, items.ResolveStockTaskRequest):
            raise NotFound("there is no such task")
        return orders.ResolveOrderTaskResponse(task=Task(id=ID, resolved_by="key/1"))

    house.echo.unary = only_orders
    result = await call("task", "resolve", ID, *options)
    assert json.loads(result.stdout)["resolved_by"] == "key/1"


async def test_a_payment_is_explained_in_words(house: House, options: list[str]) -> None:
    candidates = [
        payment_pb2.Candidate(
            order_id=ID,
            order_number="2026-1",
            due=Money(currency="CZK", amount="100"),
            taken=True,
            reason="it owes exactly this",
        ),
        payment_pb2.Candidate(
            order_id=OTHER,
            order_number="2026-2",
            due=Money(currency="EUR", amount="4"),
            reason="it is in EUR",
        ),
    ]
    payment = payment_pb2.Payment(
        id=ID,
        incoming=True,
        amount=Money(currency="CZK", amount="100"),
        value_date="2026-11-22",
        counterparty_name="Eva Ukázková",
        variable_symbol="42",
        status=payment_pb2.PAYMENT_STATUS_MATCHED,
        verdict=payment_pb2.Verdict(
            summary="Order 2026-1 is paid exactly.",
            runs=[
                payment_pb2.CriterionRun(
                    criterion=payment_pb2.CRITERION_ORDER_VARIABLE_SYMBOL,
                    searched="VS 42",
                    candidates=candidates,
                )
            ],
        ),
        flags=["order 2026-3 came later and has the same VS"],
    )

    async def answer(_heard: Heard) -> Message:
        return payments.GetPaymentResponse(payment=payment)

    house.echo.unary = answer
    result = await call("payment", "why", ID, *options)
    assert result.stdout.splitlines() == [
        "100 CZK came in on 2026-11-22, Eva Ukázková, VS 42",
        "MATCHED: Order 2026-1 is paid exactly.",
        "  by order variable symbol: VS 42",
        "    order 2026-1 (owes 100 CZK): taken, it owes exactly this",
        "    order 2026-2 (owes 4 EUR): left, it is in EUR",
        "  note: order 2026-3 came later and has the same VS",
    ]


async def test_a_failed_test_of_a_connection_says_what_to_do(
    house: House, options: list[str]
) -> None:
    async def failed(_heard: Heard) -> Message:
        return warehouse.TestConnectionResponse(message="No answer.", advice="Start mServer.")

    house.echo.unary = failed
    result = await call("warehouse", "test", ID, *options)
    assert (result.exit_code, result.stderr) == (1, "spojka: No answer. Start mServer.\n")


async def test_errors_are_one_line(house: House, options: list[str]) -> None:
    violations = [Violation("id", "must be a UUID"), Violation("reason", "is too\nlong")]
    for error, said in (
        (NotFound("there is no order"), "spojka: there is no order\n"),
        (Conflict("somebody was faster"), "spojka: somebody was faster\n"),
        (InvalidArgument(violations), "spojka: id: must be a UUID; reason: is too long\n"),
    ):

        async def refuse(_heard: Heard, error: Exception = error) -> Message:
            raise error

        house.echo.unary = refuse
        result = await call("order", "show", ID, *options)
        assert (result.exit_code, result.stdout, result.stderr) == (1, "", said)


async def test_tenants_and_keys_through_the_edge_itself(house: House, options: list[str]) -> None:
    key = house.admin
    env = {"SPOJKA_ADDRESS": options[1], "SPOJKA_API_KEY": key}
    created = json.loads((await call("tenant", "create", "gamma", env=env)).stdout)
    listed = json.loads((await call("tenant", "list", "--json", env=env)).stdout)
    assert created["id"] in [tenant["id"] for tenant in listed]

    env["SPOJKA_TENANT"] = "gamma"
    made = await call("apikey", "create", "--scope", "channel", "--channel", "shop", env=env)
    secret, key_id = json.loads(made.stdout)["secret"], json.loads(made.stdout)["api_key"]["id"]
    table = await call("apikey", "list", env=env)
    assert key_id in table.stdout
    assert secret not in table.stdout
    revoked = json.loads((await call("apikey", "revoke", key_id, env=env)).stdout)
    assert "revoke_time" in revoked


async def test_without_a_tenant_the_command_says_how_to_name_one(house: House) -> None:
    options = ["--address", f"127.0.0.1:{house.edge.public.port}", "--key", house.admin]

    async def needs_tenant(heard: Heard) -> Message:
        return items.GetItemResponse(item=items.Item(id=str(heard.call.identity.tenant)))

    house.echo.unary = needs_tenant
    result = await call("item", "show", "A", *options)
    assert result.exit_code == 1
    assert "--tenant" in result.stderr


async def test_the_key_that_up_leaves_is_used(house: House, tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text(house.admin + "\n")
    (tmp_path / "up.env").write_text(f"SPOJKA_EDGE_GRPC_PORT={house.edge.public.port}\n")
    result = await call("tenant", "list", env={"SPOJKA_DATA_DIR": str(tmp_path)})
    assert result.exit_code == 0, result.output
    assert "alpha" in result.stdout


async def test_an_edge_that_is_away_is_named(tmp_path: Path) -> None:
    result = await call("tenant", "list", "--address", "127.0.0.1:1", "--key", "spk_x")
    assert result.exit_code == 1
    assert result.stderr.startswith("spojka: 127.0.0.1:1: ")
    missing = await call("tenant", "list", env={"SPOJKA_DATA_DIR": str(tmp_path)})
    assert "an API key is missing" in missing.stderr


async def test_status_says_part_by_part(house: House) -> None:
    url = f"http://127.0.0.1:{house.edge.http.port}"

    async def said() -> Any:
        return json.loads((await call("status", "--url", url, "--json")).stdout)

    while not (body := await said())["ready"]:
        assert set(body["parts"]) == {"database", "orders", "stock", "payments", "mail_ingest"}
    assert set(body["parts"].values()) == {"ready"}
    away = await call("status", "--url", "http://127.0.0.1:1")
    assert away.exit_code == 1
    assert "does not answer" in away.stdout
