"""A plain client of the stand-in: it knows the protocol from the outside.

It validates every answer against the vendor's schemas where these are at hand.
"""

import base64
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
from lxml import etree

VENDOR = "http://www.stormware.cz/schema/version_2/"
NS = {
    "rsp": VENDOR + "response.xsd",
    "rdc": VENDOR + "documentresponse.xsd",
    "typ": VENDOR + "type.xsd",
    "lst": VENDOR + "list.xsd",
    "lStk": VENDOR + "list_stock.xsd",
    "stk": VENDOR + "stock.xsd",
    "ord": VENDOR + "order.xsd",
    "mov": VENDOR + "movement.xsd",
    "sto": VENDOR + "store.xsd",
    "ftr": VENDOR + "filter.xsd",
    "dat": VENDOR + "data.xsd",
}
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NS.items())


@dataclass
class Clock:
    """A local time that a test sets."""

    now: datetime = datetime(2026, 1, 15, 10, 0, 7)  # noqa: DTZ001 - POHODA's time has no offset

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Client:
    """Speaks to the stand-in as an importer and as the person at its desk."""

    http: httpx.AsyncClient
    clock: Clock
    schema: etree.XMLSchema | None = None
    user: str = "api:api"
    headers: dict[str, str] = field(default_factory=dict)

    def credentials(self, user: str | None = None) -> dict[str, str]:
        encoded = base64.b64encode((user or self.user).encode()).decode()
        return {"STW-Authorization": f"Basic {encoded}", "Content-Type": "text/xml"}

    async def post(self, body: bytes, **headers: str) -> httpx.Response:
        return await self.http.post(
            "/xml", content=body, headers={**self.credentials(), **self.headers, **headers}
        )

    def pack(self, *agendas: str, pack_id: str = "p", **attributes: str) -> bytes:
        """Write a pack of agendas, their item ids being i1, i2 and so on."""
        items = "".join(
            f'<dat:dataPackItem version="2.0" id="i{place}">{agenda}</dat:dataPackItem>'
            for place, agenda in enumerate(agendas, start=1)
        )
        known = {"version": "2.0", "id": pack_id, "ico": "12345678", "application": "test"}
        known |= {"note": "Poznámka", **attributes}
        written = " ".join(f'{name}="{value}"' for name, value in known.items())
        declaration = '<?xml version="1.0" encoding="Windows-1250"?>'
        return f"{declaration}<dat:dataPack {written} {_DECLARED}>{items}</dat:dataPack>".encode(
            "cp1250"
        )

    async def ask(
        self, *agendas: str, pack_id: str = "p", check_duplicity: bool = False, **attributes: str
    ) -> etree._Element:
        """Send a pack, and return the valid answer."""
        headers = {"STW-Check-Duplicity": "true"} if check_duplicity else {}
        response = await self.post(self.pack(*agendas, pack_id=pack_id, **attributes), **headers)
        assert response.status_code == 200, response.text
        return self.parse(response.content)

    def parse(self, content: bytes) -> etree._Element:
        assert content.startswith(b'<?xml version="1.0" encoding="Windows-1250"?>')
        answer = etree.fromstring(content)
        if self.schema is not None:
            self.schema.assertValid(answer)
        return answer

    async def stock(self, *groups: str) -> etree._Element:
        """List stock; a group is the content of `ftr:filter`."""
        wanted = "".join(
            f"<lStk:requestStock><ftr:filter>{group}</ftr:filter></lStk:requestStock>"
            for group in groups or ("",)
        )
        return await self.ask(list_stock(wanted))

    async def codes(self, *groups: str) -> list[str]:
        return texts(await self.stock(*groups), "//stk:code")

    async def orders(self, wanted: str = "", attributes: str = "") -> etree._Element:
        """List received orders; `wanted` is the content of `ftr:filter`."""
        return await self.ask(
            f'<lst:listOrderRequest version="2.0" orderVersion="2.0" orderType="receivedOrder"'
            f" {attributes}><lst:requestOrder><ftr:filter>{wanted}</ftr:filter>"
            "</lst:requestOrder></lst:listOrderRequest>"
        )

    async def movements(self, id_from: int = 0, count: int = 1000) -> etree._Element:
        return await self.ask(
            '<lst:listMovementRequest version="2.0" movementVersion="2.0">'
            f"<lst:limit><ftr:idFrom>{id_from}</ftr:idFrom><ftr:count>{count}</ftr:count>"
            "</lst:limit><lst:requestMovement/></lst:listMovementRequest>"
        )

    async def place(self, *lines: str, pack_id: str = "p", **more: str) -> int:
        """Import an order and return its id."""
        answer = await self.ask(order(*lines, **more), pack_id=pack_id)
        return int(text(answer, "//rdc:producedDetails/rdc:id"))

    async def card(self, code: str, store: str = "HLAVNI") -> dict[str, Any]:
        (found,) = [
            card
            for card in (await self.ledger("cards"))["cards"]
            if (card["code"], card["store"]) == (code, store)
        ]
        return found  # type: ignore[no-any-return]  # JSON

    async def counters(self, code: str, store: str = "HLAVNI") -> tuple[str, str, str]:
        """On hand, reserved, on received orders."""
        card = await self.card(code, store)
        return card["count"], card["reservation"], card["count_received_orders"]

    async def ledger(self, *parts: str) -> dict[str, Any]:
        response = await self.http.get("/sandbox/ledger", params={"parts": ",".join(parts)})
        return response.json()  # type: ignore[no-any-return]  # JSON

    async def do(self, method: str, path: str, body: object = None) -> Any:
        """Use the control interface."""
        response = await self.http.request(method, f"/sandbox/{path}", json=body)
        assert response.status_code == 200, response.text
        return response.json()

    async def fault(self, effect: str, *kinds: str, **more: object) -> None:
        await self.do("POST", "faults", {"effect": effect, "kinds": kinds, **more})

    async def set(self, **settings: object) -> None:
        await self.do("PATCH", "settings", settings)


def list_stock(content: str) -> str:
    return (
        f'<lStk:listStockRequest version="2.0" stockVersion="2.0">{content}</lStk:listStockRequest>'
    )


def order(*lines: str, header: str = "", summary: str = "", reserved: str = "true") -> str:
    """Write an order to be added."""
    detail = f"<ord:orderDetail>{''.join(lines)}</ord:orderDetail>" if lines else ""
    return (
        '<ord:order version="2.0"><ord:orderHeader><ord:orderType>receivedOrder</ord:orderType>'
        "<ord:date>2026-01-15</ord:date><ord:partnerIdentity><typ:address>"
        "<typ:company>Odběratel s.r.o.</typ:company><typ:ico>87654321</typ:ico></typ:address>"
        f"</ord:partnerIdentity><ord:isReserved>{reserved}</ord:isReserved>{header}"
        f"</ord:orderHeader>{detail}<ord:orderSummary>{summary}</ord:orderSummary></ord:order>"
    )


def line(quantity: object, stock: str = "", store: str = "HLAVNI", text: str = "Zboží") -> str:
    """Write a line; `stock` is the content of `typ:stockItem`, empty for a text line."""
    where = f"<typ:store><typ:ids>{store}</typ:ids></typ:store>" if store else ""
    link = f"<typ:stockItem>{stock}</typ:stockItem>"
    linked = f"<ord:stockItem>{where}{link}</ord:stockItem>" if stock else ""
    return (
        f"<ord:orderItem><ord:text>{text}</ord:text><ord:quantity>{quantity}</ord:quantity>"
        "<ord:payVAT>true</ord:payVAT><ord:rateVAT>high</ord:rateVAT><ord:homeCurrency>"
        f"<typ:unitPrice>121</typ:unitPrice></ord:homeCurrency>{linked}</ord:orderItem>"
    )


def code(value: str) -> str:
    return f"<typ:ids>{value}</typ:ids>"


def texts(answer: etree._Element, path: str) -> list[str]:
    found = answer.xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [one.text or "" for one in found if isinstance(one, etree._Element)]


def text(answer: etree._Element, path: str) -> str:
    (found,) = texts(answer, path)
    return found


def state(answer: etree._Element, place: int = 1) -> str:
    """The state of an item of the answer."""
    return answer[place - 1].get("state", "")


class Start(Protocol):
    def __call__(
        self, state_path: Path | None = None, documents_dir: Path | None = None
    ) -> AbstractAsyncContextManager[Client]: ...
