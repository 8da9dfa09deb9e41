"""Stock, stores and movements as an importer reads them."""

from datetime import timedelta

import pytest

from tests.sandbox.pohoda.client import Client, code, line, list_stock, state, text, texts

PATH = "//lStk:stock/stk:stockHeader"


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ("", ["132", "140", "141", "150", "160"]),
        ("<ftr:id>140</ftr:id>", ["140"]),
        ("<ftr:code>Z220</ftr:code>", ["132", "141"]),
        ("<ftr:EAN>8591234567890</ftr:EAN>", ["132", "150"]),
        ("<ftr:PLU>220</ftr:PLU>", ["132"]),
        ("<ftr:name>Stůl</ftr:name>", ["140"]),
        ("<ftr:internet>true</ftr:internet>", ["132", "140", "141", "160"]),
        ("<ftr:store><typ:ids>POBOCKA</typ:ids></ftr:store>", ["141", "150"]),
        ("<ftr:store><typ:id>1</typ:id></ftr:store>", ["132", "140", "160"]),
        ("<ftr:store><typ:ids>NENI</typ:ids></ftr:store>", []),
        ("<ftr:storage><typ:ids>HLAVNI/Židle</typ:ids></ftr:storage>", ["132"]),
        ("<ftr:storage><typ:ids>HLAVNI</typ:ids></ftr:storage>", ["132", "140", "160"]),
        (
            "<ftr:extId><typ:ids>x-1</typ:ids><typ:exSystemName>shop</typ:exSystemName></ftr:extId>",
            ["132"],
        ),
        (
            "<ftr:code>Z220</ftr:code><ftr:store><typ:ids>POBOCKA</typ:ids></ftr:store>",
            ["141"],
        ),
    ],
)
async def test_a_filter_selects_cards(pohoda: Client, wanted: str, ids: list[str]) -> None:
    answer = await pohoda.stock(wanted)
    assert state(answer) == "ok"
    assert texts(answer, f"{PATH}/stk:id") == ids


async def test_repeated_groups_are_a_union(pohoda: Client) -> None:
    groups = ("<ftr:code>Z220</ftr:code>", "<ftr:id>132</ftr:id>", "<ftr:code>KONF11</ftr:code>")
    assert await pohoda.codes(*groups) == ["Z220", "Z220", "KONF11"]


async def test_a_card_shows_its_counters_place_and_prices(pohoda: Client) -> None:
    answer = await pohoda.stock("<ftr:id>132</ftr:id>")
    counters = ("count", "reservation", "countReceivedOrders", "countIssue")
    assert [text(answer, f"{PATH}/stk:{name}") for name in counters] == [
        "25.0",
        "5.0",
        "3.0",
        "20.0",
    ]
    assert text(answer, f"{PATH}/stk:storage/typ:ids") == "HLAVNI/Židle/Kuchyňské"
    assert text(answer, f"{PATH}/stk:sellingPrice") == "1968.0"
    assert answer.get("note") == "Poznámka"
    negative = await pohoda.stock("<ftr:id>150</ftr:id>")
    assert text(negative, f"{PATH}/stk:count") == "-2.0"


async def test_old_versions_know_no_issuable_count_and_some_write_a_slash(pohoda: Client) -> None:
    await pohoda.set(program_version="13503.4 SQL (28.11.2023)", leading_slash_in_storage=True)
    answer = await pohoda.stock("<ftr:id>132</ftr:id>")
    assert texts(answer, f"{PATH}/stk:countIssue") == []
    assert text(answer, f"{PATH}/stk:storage/typ:ids") == "/HLAVNI/Židle/Kuchyňské"


async def test_restrictions_leave_data_out(pohoda: Client) -> None:
    async def shown(restriction: str) -> list[bool]:
        answer = await pohoda.ask(
            list_stock(
                "<lStk:requestStock><ftr:filter><ftr:id>132</ftr:id></ftr:filter>"
                f"</lStk:requestStock>{restriction}"
            )
        )
        paths = ("//stk:pictures", "//stk:categories", "//stk:stockPriceItem")
        return [bool(texts(answer, path)) for path in paths]

    assert await shown("") == [True, True, True]
    restriction = (
        "<lStk:restrictionData><lStk:pictures>false</lStk:pictures>"
        "<lStk:stockPriceItem>false</lStk:stockPriceItem></lStk:restrictionData>"
    )
    assert await shown(restriction) == [False, True, False]


async def test_pages_by_id_visit_every_card_once(pohoda: Client) -> None:
    await pohoda.do("POST", "seed", {"items": 60, "seed": 5})
    seen: list[int] = []
    id_from, count = 1, 7
    while True:
        answer = await pohoda.ask(
            list_stock(
                f"<lStk:limit><ftr:idFrom>{id_from}</ftr:idFrom><ftr:count>{count}</ftr:count>"
                "</lStk:limit><lStk:requestStock/>"
            )
        )
        page = [int(found) for found in texts(answer, f"{PATH}/stk:id")]
        seen += page
        if len(page) < count:
            break
        id_from = max(page) + 1
    cards = (await pohoda.ledger("cards"))["cards"]
    assert seen == [card["id"] for card in cards]
    assert len(seen) > 60


@pytest.mark.parametrize("bumps", [True, False])
async def test_whether_movements_and_reservations_count_as_changes_is_a_setting(
    pohoda: Client, bumps: bool
) -> None:
    await pohoda.set(movement_bumps_last_changes=bumps)
    pohoda.clock.now += timedelta(minutes=5)
    since = f"<ftr:lastChanges>{pohoda.clock.now.isoformat()}</ftr:lastChanges>"
    assert await pohoda.codes(since) == []
    await pohoda.do("POST", "movements", {"store": "HLAVNI", "code": "KONF11", "delta": 1})
    await pohoda.place(line(1, code("Z220")))
    assert await pohoda.codes(since) == (["Z220", "KONF11"] if bumps else [])
    await pohoda.do("POST", "cards", [{"store": "POBOCKA", "code": "Z220", "name": "Nová"}])
    assert "Z220" in await pohoda.codes(since)


@pytest.mark.parametrize("shape", ["list", "item", "pack"])
async def test_an_empty_list_comes_in_the_shapes_seen(pohoda: Client, shape: str) -> None:
    await pohoda.set(empty_list=shape)
    answer = await pohoda.stock("<ftr:code>NENI</ftr:code>")
    assert answer.get("state") == "ok"
    assert len(answer) == (0 if shape == "pack" else 1)
    assert len(texts(answer, "//lStk:listStock")) == (1 if shape == "list" else 0)


async def test_a_filter_that_the_stand_in_does_not_know_is_an_error_not_everything(
    pohoda: Client,
) -> None:
    answer = await pohoda.ask(
        list_stock(
            "<lStk:requestStock><ftr:queryFilter><ftr:filter>SKz.ID=132</ftr:filter>"
            "</ftr:queryFilter></lStk:requestStock>"
        )
    )
    assert state(answer) == "error"


async def test_wrong_order_in_a_list_request_is_refused(pohoda: Client) -> None:
    answer = await pohoda.ask(
        list_stock("<lStk:requestStock/><lStk:limit><ftr:count>1</ftr:count></lStk:limit>"),
        list_stock("<lStk:requestStock/>"),
    )
    assert [state(answer, 1), state(answer, 2)] == ["error", "ok"]
    assert answer.get("state") == "ok"


async def test_stores_and_their_tree(pohoda: Client) -> None:
    answer = await pohoda.ask(
        '<lst:listStoreRequest version="2.0" storeVersion="2.0"><lst:requestStore/>'
        "</lst:listStoreRequest>",
        '<lst:listStorageRequest version="2.0"/>',
        '<lst:listStorageRequest version="2.0"><lst:stores><lst:store><typ:ids>POBOCKA</typ:ids>'
        "</lst:store></lst:stores></lst:listStorageRequest>",
    )
    assert texts(answer, "//sto:name") == ["HLAVNI", "POBOCKA"]
    assert texts(answer, "//sto:allowNegInvBalance") == ["false", "true"]
    nodes = answer[1].iter("{http://www.stormware.cz/schema/version_2/list.xsd}itemStorage")
    assert [node.get("code") for node in nodes] == [
        "HLAVNI",
        "Stoly",
        "Židle",
        "Kuchyňské",
        "POBOCKA",
    ]
    only = answer[2].iter("{http://www.stormware.cz/schema/version_2/list.xsd}itemStorage")
    assert [node.get("code") for node in only] == ["POBOCKA"]


async def test_movements_grow_and_tell_the_card_and_what_is_left(pohoda: Client) -> None:
    await pohoda.do(
        "POST", "movements", {"store": "HLAVNI", "code": "Z220", "delta": 5, "note": "dodávka"}
    )
    order_id = await pohoda.place(line(2, code("Z220")))
    await pohoda.do("POST", f"orders/{order_id}/deliver")
    answer = await pohoda.movements()
    header = "//mov:movementHeader"
    assert texts(answer, f"{header}/mov:movementType") == ["receipt", "expense"]
    assert texts(answer, f"{header}/mov:quantity") == ["5.0", "2.0"]
    assert texts(answer, f"{header}/mov:count") == ["30.0", "28.0"]
    assert texts(answer, f"{header}/mov:stockItem/typ:stockItem/typ:ids") == ["Z220", "Z220"]
    first, second = (int(found) for found in texts(answer, f"{header}/mov:id"))
    assert first < second
    assert texts(await pohoda.movements(first + 1), f"{header}/mov:id") == [str(second)]
    assert texts(await pohoda.movements(0, count=1), f"{header}/mov:id") == [str(first)]
    assert texts(await pohoda.movements(second + 1), f"{header}/mov:id") == []


async def test_a_correction_is_a_movement_and_below_zero_needs_the_store_to_allow_it(
    pohoda: Client,
) -> None:
    await pohoda.do(
        "POST", "cards", [{"store": "HLAVNI", "code": "KONF11", "name": "S", "count": 9}]
    )
    assert texts(await pohoda.movements(), "//mov:quantity") == ["5.0"]
    refused = await pohoda.http.post(
        "/sandbox/movements", json={"store": "HLAVNI", "code": "KONF11", "delta": -10}
    )
    assert refused.status_code == 409
    await pohoda.do("POST", "movements", {"store": "POBOCKA", "code": "Z220", "delta": "-2.5"})
    assert (await pohoda.counters("Z220", "POBOCKA"))[0] == "-1.0"


async def test_an_unknown_agenda_is_an_item_error(pohoda: Client) -> None:
    answer = await pohoda.ask('<lst:listCentreRequest version="2.0"/>', list_stock(_ALL))
    assert [state(answer, 1), state(answer, 2)] == ["error", "ok"]


_ALL = "<lStk:requestStock/>"
