"""Importing received orders: look-ups, limits, numbers, and repetition."""

import pytest

from tests.sandbox.pohoda.client import Client, code, line, order, state, text, texts

DETAIL = "//rdc:importDetails/rdc:detail"
PRODUCED = "//rdc:producedDetails/rdc:id"
EXT_ID = "<ord:extId><typ:ids>e:1</typ:ids><typ:exSystemName>shop</typ:exSystemName></ord:extId>"


async def test_a_reserved_order_raises_both_counters(pohoda: Client) -> None:
    answer = await pohoda.ask(order(line(2, code("Z220")), line(1), header=EXT_ID))
    assert text(answer, "//rdc:actionType") == "add"
    assert text(answer, "//rdc:extId/typ:ids") == "e:1"
    assert await pohoda.counters("Z220") == ("25", "7", "5")
    await pohoda.ask(order(line("0.5", code("Z220")), reserved="false"))
    assert await pohoda.counters("Z220") == ("25", "7", "5.5")
    assert await pohoda.counters("Z220", "POBOCKA") == ("1.5", "0", "0")


@pytest.mark.parametrize(
    ("stock", "store", "card"),
    [
        (code("Z220"), "POBOCKA", 141),
        ("<typ:EAN>8591234567890</typ:EAN>", "POBOCKA", 150),
        ("<typ:EAN>8591234567890</typ:EAN>", "", 132),
        ("<typ:PLU>220</typ:PLU>", "HLAVNI", 132),
        ("<typ:id>141</typ:id><typ:ids>NENI</typ:ids>", "HLAVNI", 141),
        (f"{code('KONF11')}<typ:EAN>8591234567890</typ:EAN>", "HLAVNI", 140),
        (
            "<typ:extId><typ:ids>x-1</typ:ids><typ:exSystemName>shop</typ:exSystemName></typ:extId>",
            "HLAVNI",
            132,
        ),
    ],
)
async def test_the_key_of_highest_priority_finds_the_card_in_its_store(
    pohoda: Client, stock: str, store: str, card: int
) -> None:
    await pohoda.place(line(1, stock, store))
    (made,) = (await pohoda.ledger("orders"))["orders"]
    assert made["lines"][0]["card_id"] == card


@pytest.mark.parametrize(
    ("stock", "store", "path", "value"),
    [
        (code("NENI"), "HLAVNI", "typ:stockItem/typ:ids", "NENI"),
        (code("KONF11"), "POBOCKA", "typ:stockItem/typ:ids", "KONF11"),
        (code("KONF11"), "NENI", "typ:store/typ:ids", "NENI"),
        ("<typ:EAN>1</typ:EAN>", "HLAVNI", "typ:stockItem/typ:EAN", "1"),
        ("<typ:id>999</typ:id>", "HLAVNI", "typ:stockItem/typ:id", "999"),
    ],
)
async def test_unknown_stock_is_error_108_and_creates_nothing(
    pohoda: Client, stock: str, store: str, path: str, value: str
) -> None:
    answer = await pohoda.ask(order(line(1), line(1, stock, store)))
    assert answer.get("state") == "ok"
    assert state(answer) == "error"
    assert text(answer, f"{DETAIL}/rdc:errno") == "108"
    assert text(answer, f"{DETAIL}/rdc:valueRequested") == value
    assert text(answer, f"{DETAIL}/rdc:XPath") == (
        "dat:dataPack/dat:dataPackItem[1]/ord:order/ord:orderDetail/ord:orderItem[2]"
        f"/ord:stockItem/{path}"
    )
    assert texts(answer, PRODUCED) == []
    assert (await pohoda.ledger("counters"))["counters"]["orders_created"] == 0


async def test_unknown_stock_can_become_a_text_line_with_a_warning(pohoda: Client) -> None:
    await pohoda.set(unknown_stock="warning")
    answer = await pohoda.ask(order(line(1, code("NENI"), text="Něco")))
    assert state(answer) == "ok"
    assert text(answer, f"{DETAIL}/rdc:state") == "warning"
    (made,) = (await pohoda.ledger("orders"))["orders"]
    assert (made["lines"][0]["card_id"], made["lines"][0]["text"]) == (None, "Něco")


async def test_several_matching_cards_can_be_refused(pohoda: Client) -> None:
    await pohoda.set(several_cards_match="error")
    assert state(await pohoda.ask(order(line(1, code("Z220"), store="")))) == "error"
    assert state(await pohoda.ask(order(line(1, code("Z220"))))) == "ok"


PAYPAL = "<ord:paymentType><typ:ids>PayPal</typ:ids></ord:paymentType>"
GOLD = (
    "<ord:foreignCurrency><typ:currency><typ:ids>XAU</typ:ids></typ:currency></ord:foreignCurrency>"
)


async def test_an_unknown_payment_is_replaced_with_warning_603_or_refused(pohoda: Client) -> None:
    answer = await pohoda.ask(order(line(1), header=PAYPAL))
    assert text(answer, f"{DETAIL}/rdc:errno") == "603"
    assert text(answer, f"{DETAIL}/rdc:valueRequested") == "PayPal"
    assert text(answer, f"{DETAIL}/rdc:valueProduced") == "Příkazem"
    assert texts(answer, PRODUCED) != []
    await pohoda.set(unknown_payment="error")
    answer = await pohoda.ask(order(line(1), header=PAYPAL))
    assert text(answer, f"{DETAIL}/rdc:errno") == "108"


async def test_an_unknown_currency_is_refused_or_replaced(pohoda: Client) -> None:
    answer = await pohoda.ask(order(line(1), summary=GOLD))
    assert text(answer, f"{DETAIL}/rdc:errno") == "108"
    await pohoda.set(unknown_currency="warning")
    answer = await pohoda.ask(order(line(1), summary=GOLD))
    assert text(answer, f"{DETAIL}/rdc:valueProduced") == "CZK"
    (made,) = (await pohoda.ledger("orders"))["orders"]
    assert made["header"]["currency"] is None


@pytest.mark.parametrize(
    "broken",
    [
        f"<ord:text>{'x' * 241}</ord:text>",
        f"<ord:numberOrder>{'x' * 33}</ord:numberOrder>",
        "<ord:extId><typ:ids>only one</typ:ids></ord:extId>",
        f"<ord:carrier><typ:ids>{'x' * 21}</typ:ids></ord:carrier>",
        "<ord:dateTo>15.1.2026</ord:dateTo>",
    ],
)
async def test_what_breaks_a_limit_fails_alone(pohoda: Client, broken: str) -> None:
    answer = await pohoda.ask(order(line(1), header=broken), order(line(1)))
    assert [state(answer, 1), state(answer, 2)] == ["error", "ok"]
    assert answer[0].get("note", "").startswith("Neplatné XML")
    assert (await pohoda.ledger("counters"))["counters"]["orders_created"] == 1


def requested(number: str, check: str = "") -> str:
    attribute = f' checkDuplicity="{check}"' if check else ""
    return (
        f"<ord:number><typ:numberRequested{attribute}>{number}</typ:numberRequested></ord:number>"
    )


async def test_numbers_come_from_the_series_or_as_requested(pohoda: Client) -> None:
    first = await pohoda.ask(order(line(1)))
    assert text(first, "//rdc:number") == "262100031"
    wished = await pohoda.ask(order(line(1), header=requested("262100032")))
    assert text(wished, "//rdc:number") == "262100032"
    next_one = await pohoda.ask(order(line(1)))
    assert text(next_one, "//rdc:number") == "262100033"
    series = "<ord:number><typ:ids>NENI</typ:ids></ord:number>"
    assert state(await pohoda.ask(order(line(1), header=series))) == "error"


@pytest.mark.parametrize(("setting", "expected"), [("ok_with_note", "ok"), ("error", "error")])
async def test_a_number_that_exists_creates_nothing(
    pohoda: Client, setting: str, expected: str
) -> None:
    await pohoda.set(number_exists=setting)
    await pohoda.place(line(1), header=requested("777"))
    answer = await pohoda.ask(order(line(1), header=requested("777")))
    assert state(answer) == expected
    assert "už existuje" in answer[0].get("note", "")
    assert len(answer[0]) == 0
    assert (await pohoda.ledger("counters"))["counters"]["orders_created"] == 1


async def test_a_number_that_exists_is_adjusted_where_that_is_allowed(pohoda: Client) -> None:
    await pohoda.place(line(1), header=requested("777"))
    answer = await pohoda.ask(order(line(1), header=requested("777", "false")))
    assert text(answer, f"{DETAIL}/rdc:errno") == "603"
    assert text(answer, "//rdc:number") == text(answer, f"{DETAIL}/rdc:valueProduced") != "777"


async def test_a_refused_reservation_still_creates_the_order(pohoda: Client) -> None:
    await pohoda.fault("reservation_refused", "import")
    answer = await pohoda.ask(order(line(2, code("Z220"))))
    assert text(answer, f"{DETAIL}/rdc:state") == "warning"
    assert await pohoda.counters("Z220") == ("25", "5", "5")
    assert text(await pohoda.orders(), "//ord:isReserved") == "false"
    await pohoda.ask(order(line(2, code("Z220"))))
    assert await pohoda.counters("Z220") == ("25", "7", "7")


DUPLICATE = "//rsp:errorDetail/rsp:recordDuplicity"


async def test_a_repeated_pack_is_recognised_when_that_is_checked(pohoda: Client) -> None:
    order_id = await pohoda.place(line(1, code("Z220")), pack_id="o-1")
    again = await pohoda.ask(order(line(1, code("Z220"))), pack_id="o-1", check_duplicity=True)
    assert state(again) == "error"
    assert text(again, f"{DUPLICATE}/rsp:agendaType") == "prijate_objednavky"
    assert text(again, f"{DUPLICATE}/rsp:id") == str(order_id)
    assert text(again, f"{DUPLICATE}/rsp:number") == "262100031"
    assert text(again, f"{DUPLICATE}/rsp:dateCreate") == "2026-01-15"
    assert (await pohoda.ledger("counters"))["counters"]["orders_created"] == 1


async def test_a_repeated_pack_whose_order_was_deleted_has_no_id(pohoda: Client) -> None:
    order_id = await pohoda.place(line(1), pack_id="o-1")
    await pohoda.do("DELETE", f"orders/{order_id}")
    again = await pohoda.ask(order(line(1)), pack_id="o-1", check_duplicity=True)
    assert texts(again, f"{DUPLICATE}/rsp:id") == []
    assert text(again, f"{DUPLICATE}/rsp:number") == "262100031"


async def test_older_programs_answer_a_repeated_pack_with_a_note_only(pohoda: Client) -> None:
    await pohoda.set(duplicity_answer="note")
    await pohoda.place(line(1), pack_id="o-1")
    again = await pohoda.ask(order(line(1)), pack_id="o-1", check_duplicity=True)
    assert state(again) == "error"
    assert "již byl importován" in again[0].get("note", "")
    assert len(again[0]) == 0


async def test_without_the_check_a_repeated_pack_makes_a_second_order(pohoda: Client) -> None:
    first = await pohoda.place(line(1), pack_id="o-1")
    second = await pohoda.place(line(1), pack_id="o-1")
    assert first != second
    again = await pohoda.ask(order(line(1)), pack_id="o-1", check_duplicity=True)
    assert texts(again, f"{DUPLICATE}/rsp:id") == [str(first), str(second)]


async def test_a_failed_import_is_no_duplicate_later(pohoda: Client) -> None:
    await pohoda.ask(order(line(1, code("NENI"))), pack_id="o-1", check_duplicity=True)
    repaired = await pohoda.ask(order(line(1)), pack_id="o-1", check_duplicity=True)
    assert state(repaired) == "ok"
