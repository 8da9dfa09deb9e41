"""The HTTP around the XML: log-in, encodings, pack-level errors, faults, the one worker."""

import asyncio
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from lxml import etree

from tests.sandbox.pohoda.client import (
    Client,
    Start,
    code,
    line,
    list_stock,
    order,
    state,
    text,
    texts,
)
from tests.waiting import until

STOCK = list_stock("<lStk:requestStock/>")


async def test_wrong_methods_and_paths(pohoda: Client) -> None:
    assert (await pohoda.http.get("/xml")).status_code == 405
    assert (await pohoda.http.post("/")).status_code == 404


async def test_only_the_own_header_logs_in(pohoda: Client) -> None:
    body = pohoda.pack(STOCK)
    plain = {"Authorization": pohoda.credentials()["STW-Authorization"]}
    headers = {"Content-Type": "text/xml", **plain}
    assert (await pohoda.http.post("/xml", content=body, headers=headers)).status_code == 401
    for user, expected in [
        ("api:api", 200),
        ("api:wrong", 401),
        ("nobody:api", 401),
        ("guest:guest", 403),
        ("reader:reader", 200),
    ]:
        assert (await pohoda.post(body, **pohoda.credentials(user))).status_code == expected
    await pohoda.set(wrong_password_status=403)
    assert (await pohoda.post(body, **pohoda.credentials("api:wrong"))).status_code == 403


async def test_a_reader_may_list_but_not_import(pohoda: Client) -> None:
    reader = pohoda.credentials("reader:reader")
    denied = pohoda.parse((await pohoda.post(pohoda.pack(order(line(1))), **reader)).content)
    assert (denied.get("state"), denied.get("id")) == ("error", "")
    assert denied.get("note") == "Uživatel není oprávněn importovat XML soubory."
    await pohoda.set(readers_may_list=False)
    listed = pohoda.parse((await pohoda.post(pohoda.pack(STOCK), **reader)).content)
    assert listed.get("state") == "error"


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
    ],
)
async def test_bodies_may_be_compressed_both_ways(
    pohoda: Client, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    body = compress(pohoda.pack(STOCK))
    answer = await pohoda.post(body, **{"Content-Encoding": encoding, "Accept-Encoding": encoding})
    assert answer.headers["content-encoding"] == encoding
    assert answer.headers["content-type"] == "text/xml"
    assert state(pohoda.parse(answer.content)) == "ok"
    plain = await pohoda.post(pohoda.pack(STOCK), **{"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert (await pohoda.post(b"junk", **{"Content-Encoding": encoding})).status_code == 400


async def test_requests_come_in_both_charsets_and_answers_in_one(pohoda: Client) -> None:
    central = pohoda.pack(list_stock("<lStk:requestStock/>"))
    unicode = central.decode("cp1250").replace("Windows-1250", "UTF-8").encode()
    for body in (central, unicode):
        content = (await pohoda.post(body)).content
        assert "Židle Z220".encode("cp1250") in content
        assert pohoda.parse(content).get("note") == "Poznámka"


async def test_what_the_charset_lacks_becomes_a_question_mark(pohoda: Client) -> None:
    body = pohoda.pack(order(line(1, text="Acele @i"))).replace(b"@", b"&#537;")
    await pohoda.post(body)
    assert text(await pohoda.orders(), "//ord:orderItem/ord:text") == "Acele ?i"


async def test_the_root_declares_many_prefixes_and_the_unit_signs(pohoda: Client) -> None:
    answer = await pohoda.ask(STOCK)
    assert len(answer.nsmap) > 50
    assert answer.get("ico") == "12345678"
    assert answer.get("programVersion") == "14000.1 SQL (1.10.2025)"
    listed = answer[0][0]
    assert listed.get("dateTimeStamp") == "2026-01-15T10:00:07"
    assert listed.get("dateValidFrom") == "2026-01-15"


async def test_bodies_that_are_no_xml(pohoda: Client) -> None:
    assert (await pohoda.post(b"<dat:dataPack")).status_code == 400
    wrong_type = await pohoda.post(pohoda.pack(STOCK), **{"Content-Type": "application/json"})
    assert wrong_type.status_code == 400
    await pohoda.set(not_well_formed="pack_error")
    answer = pohoda.parse((await pohoda.post(b"<dat:dataPack")).content)
    assert (answer.get("state"), answer.get("id")) == ("error", "")


@pytest.mark.parametrize(
    "attributes",
    [{"ico": "99999999"}, {"ico": "", "key": "other"}, {"period": "following"}, {"version": "1.0"}],
)
async def test_a_pack_for_somebody_else_fails_as_a_whole(
    pohoda: Client, attributes: dict[str, str]
) -> None:
    body = pohoda.pack(order(line(1)), **attributes)
    answer = pohoda.parse((await pohoda.post(body)).content)
    assert answer.get("state") == "error"
    assert answer.get("note") != "Poznámka"
    assert len(answer) == 0
    assert (await pohoda.ledger("counters"))["counters"]["orders_created"] == 0


async def test_entities_are_not_resolved(pohoda: Client) -> None:
    body = pohoda.pack(order(line(1, text="&amp;secret;"))).decode("cp1250")
    body = body.replace("&amp;secret;", "&secret;").replace(
        "?>", '?><!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/hostname">]>', 1
    )
    await pohoda.post(body.encode("cp1250"))
    lines = [one for made in (await pohoda.ledger("orders"))["orders"] for one in made["lines"]]
    assert [one["text"] for one in lines] in ([], [""])


async def test_status_tells_the_company_and_whether_it_works(pohoda: Client) -> None:
    headers = pohoda.credentials()
    idle = etree.fromstring((await pohoda.http.get("/status", headers=headers)).content)
    assert (idle.findtext("status"), idle.findtext("processing")) == ("idle", "0")
    assert idle.findtext("message") == "Response from POHODA mServer"
    detailed = await pohoda.http.get("/status?companyDetail", headers=headers)
    assert etree.fromstring(detailed.content).findtext("company") == "Sandbox s.r.o."
    assert (await pohoda.http.get("/status")).status_code == 401
    await pohoda.set(status_needs_login=False)
    assert (await pohoda.http.get("/status")).status_code == 200


async def test_requests_are_answered_one_after_the_other(pohoda: Client) -> None:
    await pohoda.fault("hang", "import", seconds=0.5)
    slow = asyncio.create_task(pohoda.ask(order(line(1)), pack_id="slow"))

    async def in_work(count: str) -> bool:
        answer = await pohoda.http.get("/status", headers=pohoda.credentials())
        return etree.fromstring(answer.content).findtext("processing") == count

    await until(lambda: in_work("1"), "the first is in work")
    quick = asyncio.create_task(pohoda.ask(STOCK, pack_id="quick"))
    await until(lambda: in_work("2"), "the second waits")
    assert not slow.done()
    await asyncio.gather(slow, quick)
    requests = (await pohoda.ledger("requests"))["requests"]
    assert [entry["pack_id"] for entry in requests] == ["slow", "quick"]


async def test_a_request_whose_client_left_is_processed_all_the_same(pohoda: Client) -> None:
    await pohoda.fault("hang", "import", seconds=0.3)
    with pytest.raises(httpx.ReadTimeout):
        await pohoda.http.post(
            "/xml",
            content=pohoda.pack(order(line(1, code("Z220")))),
            headers=pohoda.credentials(),
            timeout=0.1,
        )

    async def created() -> bool:
        counters = (await pohoda.ledger("counters"))["counters"]
        return bool(counters["orders_created"] == 1)

    await until(created, "the order is created")


@pytest.mark.parametrize("after_commit", [True, False])
@pytest.mark.parametrize("effect", ["drop", "status"])
async def test_an_answer_lost_before_or_after_the_commit(
    pohoda: Client, effect: str, after_commit: bool
) -> None:
    await pohoda.fault(effect, "import", after_commit=after_commit, status=502)
    assert state(await pohoda.ask(STOCK)) == "ok"
    body = pohoda.pack(order(line(1)), pack_id="o-1")
    if effect == "drop":
        with pytest.raises(httpx.TransportError):
            await pohoda.post(body)
    else:
        assert (await pohoda.post(body)).status_code == 502
    ledger = await pohoda.ledger("counters", "requests")
    assert ledger["counters"]["orders_created"] == (1 if after_commit else 0)
    entry = ledger["requests"][-1]
    assert entry["outcome"] == ("ok" if after_commit else "not processed")
    assert (entry["faults"], entry["http_status"]) == (
        [effect],
        None if effect == "drop" else 502,
    )
    again = await pohoda.ask(order(line(1)), pack_id="o-1", check_duplicity=True)
    assert state(again) == ("error" if after_commit else "ok")
    assert (await pohoda.ledger("counters"))["counters"]["orders_created"] == 1


async def test_the_answer_before_is_delivered_once_more(pohoda: Client) -> None:
    first = await pohoda.post(pohoda.pack(order(line(1)), pack_id="o-1"))
    await pohoda.fault("repeated", "import")
    second = await pohoda.post(pohoda.pack(order(line(1)), pack_id="o-2"))
    assert second.content == first.content
    assert (await pohoda.ledger("counters"))["counters"]["orders_created"] == 2
    third = await pohoda.ask(order(line(1)), pack_id="o-3")
    assert third.get("id") == "o-3"


@pytest.mark.parametrize("status", [408, 500, 502, 503])
async def test_http_errors_last_as_long_as_said(pohoda: Client, status: int) -> None:
    await pohoda.fault("status", status=status, times=2)
    body = pohoda.pack(STOCK)
    assert [(await pohoda.post(body)).status_code for _ in range(3)] == [status, status, 200]
    await pohoda.fault("status", "status", status=status, times=None)
    headers = pohoda.credentials()
    for _ in range(3):
        assert (await pohoda.http.get("/status", headers=headers)).status_code == status
    await pohoda.do("DELETE", "faults")
    assert (await pohoda.http.get("/status", headers=headers)).status_code == 200


async def test_answers_that_cannot_be_read(pohoda: Client) -> None:
    await pohoda.fault("cut")
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring((await pohoda.post(pohoda.pack(STOCK))).content)
    await pohoda.fault("charset")
    content = (await pohoda.post(pohoda.pack(STOCK))).content
    with pytest.raises(UnicodeDecodeError):
        content.decode("cp1250")
    assert "Židle" in content.decode()


@pytest.mark.parametrize(("agenda", "kind"), [(STOCK, "stock_list"), (order(line(1)), "import")])
async def test_a_locked_record_fails_its_item_only(pohoda: Client, agenda: str, kind: str) -> None:
    await pohoda.fault("locked", kind)
    other = '<lst:listStorageRequest version="2.0"/>'
    answer = await pohoda.ask(agenda, other)
    assert [state(answer, 1), state(answer, 2)] == ["error", "ok"]
    notes = [*texts(answer, "//rdc:detail/rdc:note"), answer[0].get("note")]
    assert "Záznam je právě upravován jiným uživatelem." in notes
    assert state(await pohoda.ask(agenda)) == "ok"


async def test_rights_and_passwords_can_vanish(pohoda: Client) -> None:
    await pohoda.fault("rights", "import")
    answer = await pohoda.ask(order(line(1)))
    assert (answer.get("state"), answer.get("id")) == ("error", "")
    await pohoda.fault("password", "stock_list")
    assert (await pohoda.post(pohoda.pack(STOCK))).status_code == 401
    assert (await pohoda.post(pohoda.pack(STOCK))).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"effect": "explode"}),
        ("faults", {"effect": "hang"}),
        ("faults", {"effect": "cut", "after_commit": True}),
        ("faults", {"effect": "drop", "kind": ["import"]}),
        ("faults", []),
        ("seed", {"items": -1}),
        ("cards", [{"store": "HLAVNI"}]),
    ],
)
async def test_control_requests_that_make_no_sense_are_explained(
    pohoda: Client, path: str, body: object
) -> None:
    answer = await pohoda.http.post(f"/sandbox/{path}", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]


async def test_what_is_not_there_is_404(pohoda: Client) -> None:
    assert (await pohoda.http.post("/sandbox/orders/1/cancel")).status_code == 404
    missing = {"store": "HLAVNI", "code": "NENI", "delta": 1}
    assert (await pohoda.http.post("/sandbox/movements", json=missing)).status_code == 404
    assert (await pohoda.http.delete("/sandbox/cards/1")).status_code == 404


async def test_a_card_removed_by_a_person_leaves_the_list(pohoda: Client) -> None:
    await pohoda.do("DELETE", "cards/140")
    assert texts(await pohoda.stock(), "//stk:stockHeader/stk:code").count("KONF11") == 0
    assert text(await pohoda.stock("<ftr:id>132</ftr:id>"), "//stk:code") == "Z220"


async def test_documents_come_from_their_folder_only(start: Start, tmp_path: Path) -> None:
    (tmp_path / "Obrázky").mkdir()
    (tmp_path / "Obrázky" / "a.jpg").write_bytes(b"picture")
    (tmp_path / "secret").write_bytes(b"secret")
    async with start(documents_dir=tmp_path / "Obrázky") as pohoda:
        headers = pohoda.credentials()
        assert (await pohoda.http.get("/documents/a.jpg")).status_code == 401
        assert (await pohoda.http.get("/documents/a.jpg", headers=headers)).content == b"picture"
        for path in ("b.jpg", "..%2Fsecret", "%2Fetc/hostname"):
            answer = await pohoda.http.get(f"/documents/{path}", headers=headers)
            assert answer.status_code == 404
