"""Calls pass the edge unread: answers, errors, streams, deadlines, traces, cancellations."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from spojka.api.mail.v1 import mail_service_pb2 as mails
from spojka.api.mail.v1.mail_service_pb2_grpc import MailServiceStub
from spojka.api.orders.v1 import order_service_pb2 as orders
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
from spojka.api.stock.v1 import listing_service_pb2 as listings
from spojka.api.stock.v1.listing_service_pb2_grpc import ListingServiceStub
from spojka.errors import AlreadyExists, Conflict
from spojka.rpc.client import open_channel
from spojka.rpc.status import from_rpc_error
from tests.gateway.calling import DEADLINE_SECONDS, details_of, reason_of, refused
from tests.gateway.echo import Heard
from tests.gateway.house import House

ANSWER_BYTES = 12 * 1024 * 1024
WATCH = listings.WatchStockRequest(channel_id="eshop-cz", resume_token="7")


async def test_request_and_answer_pass_unchanged(house: House) -> None:
    async def answer(_heard: Heard) -> Message:
        return orders.ListOrdersResponse(next_page_token="další")

    house.echo.unary = answer
    request = orders.ListOrdersRequest(page_size=7, reference="žluťoučký")
    answered = await OrderServiceStub(house.channel).ListOrders(
        request, metadata=house.sent_with(await house.operator())
    )
    assert house.echo.heard[-1].request == request
    assert answered.next_page_token == "další"


async def test_a_large_answer_passes_as_it_came(house: House) -> None:
    """A mail with its bytes is larger than what a request may be."""

    async def answer(_heard: Heard) -> Message:
        return mails.GetMailResponse(raw=b"\xff\x00" * (ANSWER_BYTES // 2))

    house.echo.unary = answer
    key = await house.operator()
    request = mails.GetMailRequest(id="0190a4e2-0000-7000-8000-000000000001", include_raw=True)
    async with open_channel(f"127.0.0.1:{house.edge.public.port}") as wide:
        stub = MailServiceStub(wide)
        answers = await asyncio.gather(
            *(stub.GetMail(request, metadata=house.sent_with(key)) for _ in range(3))
        )
    assert {len(answer.raw) for answer in answers} == {ANSWER_BYTES}


async def test_error_details_pass_unchanged(house: House) -> None:
    async def refuse(_heard: Heard) -> Message:
        raise AlreadyExists("jiný obsah", reason="OTHER_CONTENT", metadata={"field": "lines"})

    house.echo.unary = refuse
    error = await refused(
        OrderServiceStub(house.channel).ListOrders(
            orders.ListOrdersRequest(), metadata=house.sent_with(await house.operator())
        )
    )
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    assert error.details() == "jiný obsah"
    raised = from_rpc_error(error)
    assert isinstance(raised, AlreadyExists)
    assert (raised.reason, raised.metadata) == ("OTHER_CONTENT", {"field": "lines"})


async def test_field_violations_pass_unchanged(house: House) -> None:
    error = await refused(
        OrderServiceStub(house.channel).CancelOrder(
            orders.CancelOrderRequest(id="no uuid"),
            metadata=house.sent_with(await house.operator()),
        )
    )
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in details_of(error).details)
    assert [v.field for v in bad.field_violations] == ["id", "expected_revision"]


async def test_a_stream_passes_batch_by_batch(house: House) -> None:
    more = asyncio.Event()

    async def batches(heard: Heard) -> AsyncIterator[Message]:
        assert heard.request == WATCH
        yield listings.WatchStockResponse(resume_token="8")
        await more.wait()
        yield listings.WatchStockResponse(resume_token="9", caught_up=True)

    house.echo.stream = batches
    tokens = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for batch in ListingServiceStub(house.channel).WatchStock(
            WATCH, metadata=house.sent_with(await house.operator())
        ):
            tokens.append(batch.resume_token)
            # The second is made only when the first was read: nothing waits in between.
            more.set()
    assert tokens == ["8", "9"]


async def test_an_error_ends_a_stream_with_its_details(house: House) -> None:
    async def breaks(_heard: Heard) -> AsyncIterator[Message]:
        yield listings.WatchStockResponse(resume_token="8")
        raise Conflict("the token is of another time", reason="STALE_TOKEN")

    house.echo.stream = breaks
    stream = ListingServiceStub(house.channel).WatchStock(
        WATCH, metadata=house.sent_with(await house.operator())
    )
    assert await stream.read() == listings.WatchStockResponse(resume_token="8")
    error = await refused(stream.read())
    assert error.code() is grpc.StatusCode.ABORTED
    assert reason_of(error) == "STALE_TOKEN"


async def test_a_stream_that_its_reader_leaves_ends_behind_the_edge(house: House) -> None:
    async def endless(_heard: Heard) -> AsyncIterator[Message]:
        yield listings.WatchStockResponse(resume_token="8")
        await asyncio.Event().wait()

    house.echo.stream = endless
    stream = ListingServiceStub(house.channel).WatchStock(
        WATCH, metadata=house.sent_with(await house.operator())
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await stream.read() == listings.WatchStockResponse(resume_token="8")
        stream.cancel()
        await house.echo.cancelled.wait()


async def test_a_call_that_its_caller_gives_up_ends_behind_the_edge(house: House) -> None:
    arrived = asyncio.Event()

    async def hang(_heard: Heard) -> Message:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    house.echo.unary = hang
    call = OrderServiceStub(house.channel).ListOrders(
        orders.ListOrdersRequest(), metadata=house.sent_with(await house.operator())
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        waiting = asyncio.ensure_future(call)
        await arrived.wait()
        call.cancel()
        await house.echo.cancelled.wait()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_the_remaining_deadline_goes_along(house: House) -> None:
    stub = OrderServiceStub(house.channel)
    metadata = house.sent_with(await house.operator())
    await stub.ListOrders(orders.ListOrdersRequest(), metadata=metadata, timeout=5)
    assert 0 < house.echo.heard[-1].call.deadline_seconds < 6
    await stub.ListOrders(orders.ListOrdersRequest(), metadata=metadata)
    longest = house.settings.call_deadline_seconds
    assert longest - 5 < house.echo.heard[-1].call.deadline_seconds < longest + 1


async def test_a_deadline_that_passes_behind_the_edge_is_told(house: House) -> None:
    async def hang(_heard: Heard) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    house.echo.unary = hang
    error = await refused(
        OrderServiceStub(house.channel).ListOrders(
            orders.ListOrdersRequest(),
            metadata=house.sent_with(await house.operator()),
            timeout=0.3,
        )
    )
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    async with asyncio.timeout(DEADLINE_SECONDS):
        await house.echo.cancelled.wait()


async def test_the_trace_goes_along(house: House) -> None:
    trace = f"00-{'a1' * 16}-{'b2' * 8}-01"
    await OrderServiceStub(house.channel).ListOrders(
        orders.ListOrdersRequest(),
        metadata=house.sent_with(await house.operator(), traceparent=trace),
    )
    assert house.echo.heard[-1].traceparent == trace


async def test_a_service_that_is_away_is_unavailable(house: House) -> None:
    key = await house.operator()
    await house.backend.stop()
    for call in (
        OrderServiceStub(house.channel).ListOrders(
            orders.ListOrdersRequest(), metadata=house.sent_with(key), timeout=DEADLINE_SECONDS
        ),
        ListingServiceStub(house.channel)
        .WatchStock(WATCH, metadata=house.sent_with(key), timeout=DEADLINE_SECONDS)
        .read(),
    ):
        error = await refused(call)
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert reason_of(error) == "UNAVAILABLE"
        assert "127.0.0.1" not in str(error.details())
        retry = error_details_pb2.RetryInfo()
        assert any(detail.Unpack(retry) for detail in details_of(error).details)


async def test_a_request_above_the_limit_is_refused(house: House) -> None:
    request = orders.ListOrdersRequest(page_token="x" * 5 * 1024 * 1024)
    error = await refused(
        OrderServiceStub(house.channel).ListOrders(
            request, metadata=house.sent_with(await house.operator())
        )
    )
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not house.echo.heard
