"""What people do with orders in POHODA, and how an importer sees it."""

from datetime import timedelta

import pytest

from tests.sandbox.pohoda.client import Client, code, line, state, text, texts

HEADER = "//lst:order/ord:orderHeader"
EXT_ID = "<ord:extId><typ:ids>e:1</typ:ids><typ:exSystemName>shop</typ:exSystemName></ord:extId>"


async def flags(pohoda: Client) -> list[str]:
    answer = await pohoda.orders()
    return [
        text(answer, f"{HEADER}/ord:is{name}") for name in ("Executed", "Delivered", "Reserved")
    ]


async def line_ids(pohoda: Client) -> list[int]:
    (made,) = (await pohoda.ledger("orders"))["orders"]
    return [one["id"] for one in made["lines"]]


async def test_a_partial_delivery_moves_all_three_counters(pohoda: Client) -> None:
    order_id = await pohoda.place(line(3, code("Z220")), line(1))
    first, _ = await line_ids(pohoda)
    assert await pohoda.counters("Z220") == ("25", "8", "6")
    await pohoda.do("POST", f"orders/{order_id}/deliver", {"lines": {first: 2}})
    assert await pohoda.counters("Z220") == ("23", "6", "4")
    answer = await pohoda.orders()
    assert texts(answer, "//ord:delivered") == ["2.0", "0.0"]
    assert text(answer, "//ord:linkedDocuments/typ:link/typ:sourceAgenda") == "issueSlip"
    assert await flags(pohoda) == ["false", "false", "true"]
    await pohoda.do("POST", f"orders/{order_id}/deliver", {"lines": {first: "1"}})
    assert await pohoda.counters("Z220") == ("22", "5", "3")
    assert await flags(pohoda) == ["true", "true", "true"]
    numbers = texts(await pohoda.movements(), "//mov:number")
    linked = texts(await pohoda.orders(), "//typ:link/typ:sourceDocument/typ:number")
    assert numbers == linked


async def test_delivering_all_by_an_invoice(pohoda: Client) -> None:
    order_id = await pohoda.place(line(3, code("Z220")), line(1, code("MONTAZ")), line(1))
    await pohoda.do("POST", f"orders/{order_id}/deliver", {"agenda": "issuedInvoice"})
    answer = await pohoda.orders()
    assert texts(answer, "//ord:delivered") == ["3.0", "1.0", "1.0"]
    assert text(answer, "//typ:link/typ:sourceAgenda") == "issuedInvoice"
    assert texts(await pohoda.movements(), "//mov:agenda") == ["issuedInvoice"]


async def test_more_than_there_is_cannot_be_delivered_and_nothing_moves(pohoda: Client) -> None:
    order_id = await pohoda.place(line(1, code("Z220")), line(9, code("KONF11")))
    refused = await pohoda.http.post(f"/sandbox/orders/{order_id}/deliver")
    assert (refused.status_code, "4 only" in refused.json()["error"]) == (409, True)
    assert await pohoda.counters("Z220") == ("25", "6", "4")
    assert texts(await pohoda.movements(), "//mov:id") == []


@pytest.mark.parametrize(
    ("action", "expected", "counters"),
    [
        ("execute", ["true", "false", "true"], ("25", "5", "3")),
        ("cancel", ["false", "false", "true"], ("25", "5", "3")),
        ("unreserve", ["false", "false", "false"], ("25", "5", "5")),
    ],
)
async def test_actions_show_in_flags_and_counters(
    pohoda: Client, action: str, expected: list[str], counters: tuple[str, str, str]
) -> None:
    order_id = await pohoda.place(line(2, code("Z220")))
    await pohoda.do("POST", f"orders/{order_id}/{action}")
    assert await flags(pohoda) == expected
    assert await pohoda.counters("Z220") == counters
    storno = texts(await pohoda.orders(), f"{HEADER}/ord:storno")
    assert storno == (["cancelledDocument"] if action == "cancel" else [])


async def test_external_ids_are_shown_for_the_system_asked_for_only(pohoda: Client) -> None:
    await pohoda.place(line(1), header=EXT_ID)
    shown = f"{HEADER}/ord:extId/typ:ids"
    assert texts(await pohoda.orders(), shown) == []
    assert texts(await pohoda.orders(attributes='extSystem="other"'), shown) == []
    assert texts(await pohoda.orders(attributes='extSystem="shop"'), shown) == ["e:1"]


async def test_order_filters(pohoda: Client) -> None:
    first = str(await pohoda.place(line(1), header=EXT_ID))
    pohoda.clock.now += timedelta(minutes=1)
    second = str(await pohoda.place(line(1)))
    since = pohoda.clock.now.isoformat()
    number = "<ftr:number><typ:numberRequested>262100032</typ:numberRequested></ftr:number>"

    async def found(wanted: str) -> list[str]:
        return texts(await pohoda.orders(wanted), f"{HEADER}/ord:id")

    assert await found("") == [first, second]
    assert await found(EXT_ID.replace("ord:", "ftr:")) == [first]
    assert await found(EXT_ID.replace("ord:", "ftr:").replace("e:1", "e:2")) == []
    assert await found(f"<ftr:id>{second}</ftr:id>") == [second]
    assert await found(f"<ftr:selectedNumbers>{number}</ftr:selectedNumbers>") == [second]
    assert await found("<ftr:dateFrom>2026-01-16</ftr:dateFrom>") == []
    assert await found("<ftr:dateTill>2026-01-15</ftr:dateTill>") == [first, second]
    assert await found(f"<ftr:lastChanges>{since}</ftr:lastChanges>") == [second]
    ico = "<ftr:selectedIco><ftr:ico>87654321</ftr:ico></ftr:selectedIco>"
    assert await found(ico) == [first, second]
    await pohoda.do("POST", f"orders/{first}/unreserve")
    assert await found(f"<ftr:lastChanges>{since}</ftr:lastChanges>") == [first, second]


async def test_the_order_type_is_mandatory(pohoda: Client) -> None:
    await pohoda.place(line(1))
    wanted = "<lst:requestOrder/></lst:listOrderRequest>"
    answer = await pohoda.ask(
        f'<lst:listOrderRequest version="2.0" orderVersion="2.0">{wanted}',
        '<lst:listOrderRequest version="2.0" orderVersion="2.0" orderType="issuedOrder">' + wanted,
    )
    assert [state(answer, 1), state(answer, 2)] == ["error", "ok"]
    assert texts(answer, "//lst:order") == []


def deletion(by: str, value: object) -> str:
    return (
        '<ord:order version="2.0"><ord:actionType><ord:delete>'
        f'<ftr:filter agenda="prijate_objednavky"><ftr:{by}>{value}</ftr:{by}></ftr:filter>'
        "</ord:delete></ord:actionType></ord:order>"
    )


@pytest.mark.parametrize("by", ["id", "number"])
async def test_a_deletion_reverses_what_the_order_asked_for(pohoda: Client, by: str) -> None:
    order_id = await pohoda.place(line(2, code("Z220")))
    answer = await pohoda.ask(deletion(by, order_id if by == "id" else "262100031"))
    assert text(answer, "//rdc:actionType") == "delete"
    assert await pohoda.counters("Z220") == ("25", "5", "3")
    assert texts(await pohoda.orders(), f"{HEADER}/ord:id") == []
    again = await pohoda.ask(deletion(by, order_id))
    assert text(again, "//rdc:errno") == "108"


@pytest.mark.parametrize("action", ["deliver", "execute"])
async def test_an_order_that_was_handled_is_not_deleted(pohoda: Client, action: str) -> None:
    order_id = await pohoda.place(line(2, code("Z220")))
    await pohoda.do("POST", f"orders/{order_id}/{action}")
    answer = await pohoda.ask(deletion("id", order_id))
    assert state(answer) == "error"
    assert "nelze smazat" in text(answer, "//rdc:detail/rdc:note")
    refused = await pohoda.http.delete(f"/sandbox/orders/{order_id}")
    assert refused.status_code == 409
    await pohoda.do("DELETE", f"orders/{order_id}?force=true")
    assert (await pohoda.ledger("counters"))["counters"]["orders_deleted"] == 1


async def test_prices_are_computed_in_both_currencies(pohoda: Client) -> None:
    euro = (
        "<ord:foreignCurrency><typ:currency><typ:ids>EUR</typ:ids></typ:currency>"
        "<typ:rate>25</typ:rate><typ:amount>1</typ:amount></ord:foreignCurrency>"
    )
    await pohoda.place(line(2), summary=euro)
    answer = await pohoda.orders()
    item = "//ord:orderItem"
    assert text(answer, f"{item}/ord:foreignCurrency/typ:priceSum") == "242.0"
    assert text(answer, f"{item}/ord:foreignCurrency/typ:price") == "200.0"
    assert text(answer, f"{item}/ord:homeCurrency/typ:priceSum") == "6050.0"
    assert text(answer, "//ord:orderSummary//typ:priceSum") == "242.0"
