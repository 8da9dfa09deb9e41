"""The control interface: what a person in POHODA, or bad luck, would do.

JSON in and out, no log-in. Numbers may be given as numbers or texts and come as texts. An error
is ``{"error": "…"}`` with 404 (no such record), 409 (the company's rules forbid it) or 422 (the
request makes no sense).

====== ================================ ==========================================================
POST   /sandbox/faults                  switch a fault on: the fields of `faults.Fault`, such as
                                        ``{"effect": "drop", "kinds": ["import"], "times": 1,
                                        "after_commit": true}``; ``times: null`` until cleared
GET    /sandbox/faults                  the faults still to come
DELETE /sandbox/faults                  switch all off
GET    /sandbox/settings                how the installation behaves: `settings.Settings`
PATCH  /sandbox/settings                change some of them
GET    /sandbox/ledger                  everything; ``?parts=orders,counters`` for less (stores,
                                        cards, orders, movements, requests, counters)
POST   /sandbox/seed                    ``{"items": 500, "stores": ["HLAVNI"], "seed": 1}``
POST   /sandbox/stores                  ``{"name", "text"?, "allow_negative"?}``
POST   /sandbox/cards                   add or replace cards, a list of `goods.CardEntry`
DELETE /sandbox/cards/{id}              delete a card that no order names
POST   /sandbox/movements               ``{"store", "code", "delta", "note"?}``: a receipt above
                                        zero, an issue below
POST   /sandbox/orders/{id}/deliver     ``{"lines": {"4410": 1}, "agenda"?: "issueSlip"}``:
                                        quantities to deliver IN ADDITION to those delivered, by
                                        line id; without ``lines`` all that remains
POST   /sandbox/orders/{id}/execute     mark as executed, without delivering the rest
POST   /sandbox/orders/{id}/cancel      cancel (storno)
POST   /sandbox/orders/{id}/reserve     reserve its goods
POST   /sandbox/orders/{id}/unreserve   release its goods
DELETE /sandbox/orders/{id}             delete; ``?force=true`` also one that was delivered
====== ================================ ==========================================================
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.pohoda import goods, ledger, sales
from sandbox.pohoda.faults import Fault
from sandbox.pohoda.goods import CardEntry
from sandbox.pohoda.installation import Installation
from sandbox.pohoda.model import RefusedError, UnknownError
from sandbox.pohoda.records import Agenda, Order
from sandbox.pohoda.seed import Seed, sow
from sandbox.pohoda.settings import Settings

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]
_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """A store as a person enters it."""

    name: str
    text: str = ""
    allow_negative: bool = False


@dataclass(frozen=True, slots=True)
class MovementEntry:
    """A receipt or a correction of one card."""

    store: str
    code: str
    delta: Decimal
    note: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What to deliver more of an order; None is all that remains."""

    lines: dict[int, Decimal] | None = None
    agenda: Agenda = Agenda.ISSUE_SLIP


@dataclass(frozen=True, slots=True)
class Cards:
    """A bulk of cards."""

    cards: list[CardEntry] = field(default_factory=list)


class Control:
    """The endpoints under ``/sandbox/``."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def routes(self) -> list[Route]:
        """Return the routes, relative to ``/sandbox``."""
        table: list[tuple[str, str, Endpoint]] = [
            ("POST", "/faults", self.add_fault),
            ("GET", "/faults", self.list_faults),
            ("DELETE", "/faults", self.clear_faults),
            ("GET", "/settings", self.show_settings),
            ("PATCH", "/settings", self.change_settings),
            ("GET", "/ledger", self.show_ledger),
            ("POST", "/seed", self.sow),
            ("POST", "/stores", self.put_store),
            ("POST", "/cards", self.put_cards),
            ("DELETE", "/cards/{id:int}", self.delete_card),
            ("POST", "/movements", self.move),
            ("POST", "/orders/{id:int}/deliver", self.deliver),
            ("POST", "/orders/{id:int}/execute", self.execute),
            ("POST", "/orders/{id:int}/cancel", self.cancel),
            ("POST", "/orders/{id:int}/reserve", self.reserve),
            ("POST", "/orders/{id:int}/unreserve", self.unreserve),
            ("DELETE", "/orders/{id:int}", self.delete_order),
        ]
        return [
            Route(path, _explained(endpoint), methods=[method]) for method, path, endpoint in table
        ]

    async def add_fault(self, request: Request) -> Response:
        """Switch a fault on."""
        self._installation.faults.add(await _read(request, Fault))
        return await self.list_faults(request)

    async def list_faults(self, _: Request) -> Response:
        """List the faults still to come."""
        return _json(self._installation.faults.pending)

    async def clear_faults(self, request: Request) -> Response:
        """Switch all faults off."""
        self._installation.faults.clear()
        return await self.list_faults(request)

    async def show_settings(self, _: Request) -> Response:
        """Show how the installation behaves."""
        return _json(self._installation.settings)

    async def change_settings(self, request: Request) -> Response:
        """Change the settings given and leave the others."""
        changes = await _body(request)
        merged = {**asdict(self._installation.settings), **changes}
        settings = _validated(merged, Settings)
        await self._run(lambda: self._installation.change_settings(settings))
        return await self.show_settings(request)

    async def show_ledger(self, request: Request) -> Response:
        """Show the ledger, whole or in parts."""
        parts = [part for part in request.query_params.get("parts", "").split(",") if part]
        unknown = set(parts) - ledger.PARTS.keys()
        if unknown:
            raise ValueError(f"no such parts: {', '.join(sorted(unknown))}")
        return JSONResponse(await self._run(lambda: ledger.write(self._installation, parts)))

    async def sow(self, request: Request) -> Response:
        """Sow a seeded stock."""
        seed = await _read(request, Seed)
        return _json({"cards": await self._run(lambda: sow(self._installation.company, seed))})

    async def put_store(self, request: Request) -> Response:
        """Add or change a store."""
        entry = await _read(request, StoreEntry)
        return _json(
            await self._run(
                lambda: goods.put_store(
                    self._installation.company,
                    entry.name,
                    entry.text,
                    allow_negative=entry.allow_negative,
                )
            )
        )

    async def put_cards(self, request: Request) -> Response:
        """Add or replace cards in bulk."""
        entries = _validated({"cards": await _body(request)}, Cards).cards
        company = self._installation.company
        return _json(await self._run(lambda: [goods.put_card(company, entry) for entry in entries]))

    async def delete_card(self, request: Request) -> Response:
        """Delete a card."""
        card_id: int = request.path_params["id"]
        await self._run(lambda: goods.delete_card(self._installation.company, card_id))
        return _json({"deleted": card_id})

    async def move(self, request: Request) -> Response:
        """Make a receipt or a correction."""
        entry = await _read(request, MovementEntry)
        return _json(await self._run(lambda: self._move(entry)))

    def _move(self, entry: MovementEntry) -> object:
        company = self._installation.company
        stores = company.stores.find("name", entry.store)
        card = goods.find_card(company, stores[0].id, entry.code) if stores else None
        if card is None:
            raise UnknownError(f"There is no card {entry.code} in the store {entry.store}.")
        return goods.move(company, card.id, entry.delta, entry.note)

    async def deliver(self, request: Request) -> Response:
        """Deliver more of an order."""
        delivery = await _read(request, Delivery)
        return await self._on_order(
            request,
            lambda order_id: sales.deliver(
                self._installation.company, order_id, delivery.lines, delivery.agenda
            ),
        )

    async def execute(self, request: Request) -> Response:
        """Mark an order as executed."""
        company = self._installation.company
        return await self._on_order(request, lambda order_id: sales.execute(company, order_id))

    async def cancel(self, request: Request) -> Response:
        """Cancel an order."""
        company = self._installation.company
        return await self._on_order(request, lambda order_id: sales.cancel(company, order_id))

    async def reserve(self, request: Request) -> Response:
        """Reserve an order's goods."""
        company = self._installation.company
        return await self._on_order(
            request, lambda order_id: sales.set_reserved(company, order_id, reserved=True)
        )

    async def unreserve(self, request: Request) -> Response:
        """Release an order's goods."""
        company = self._installation.company
        return await self._on_order(
            request, lambda order_id: sales.set_reserved(company, order_id, reserved=False)
        )

    async def delete_order(self, request: Request) -> Response:
        """Delete an order as a person would."""
        order_id: int = request.path_params["id"]
        force = request.query_params.get("force") == "true"
        company = self._installation.company
        await self._run(lambda: sales.delete(company, order_id, force=force))
        return _json({"deleted": order_id})

    async def _on_order(self, request: Request, act: Callable[[int], Order]) -> Response:
        order_id: int = request.path_params["id"]
        return _json(await self._run(lambda: act(order_id)))

    async def _run(self, call: Callable[[], T]) -> T:
        return await self._installation.worker.run(call)


def _explained(endpoint: Endpoint) -> Endpoint:
    """Turn the errors of an endpoint into answers that explain them."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except UnknownError as error:
            return _error(error, 404)
        except RefusedError as error:
            return _error(error, 409)
        except ValueError as error:
            return _error(error, 422)

    return answer


def _error(error: Exception, status: int) -> Response:
    return JSONResponse({"error": str(error)}, status_code=status)


def _json(value: object) -> Response:
    return JSONResponse(_ANYTHING.dump_python(value, mode="json"))


async def _body(request: Request) -> Any:
    """Read the JSON body; numbers stay exact."""
    body = await request.body()
    return json.loads(body, parse_float=Decimal) if body else {}


async def _read(request: Request, kind: type[T]) -> T:
    return _validated(await _body(request), kind)


def _validated(value: Any, kind: type[T]) -> T:
    """Check a JSON object against a dataclass; a misspelt field is an error, not ignored."""
    known = {known.name for known in fields(kind)}  # type: ignore[arg-type]  # all are dataclasses
    if not isinstance(value, dict):
        raise ValueError(f"a JSON object is expected: {', '.join(sorted(known))}")  # noqa: TRY004
    if unknown := value.keys() - known:
        raise ValueError(f"no such fields: {', '.join(sorted(unknown))}")
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise ValueError("; ".join(f"{e['loc']}: {e['msg']}" for e in error.errors())) from error
