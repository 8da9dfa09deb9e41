"""The control interface: what the banks' clients, or bad luck, would do.

JSON in and out, no log-in. Amounts may be given as numbers or texts and come as texts. An error
is ``{"error": "…"}`` with 404 (no such bank or account), 422 (the request makes no sense) or 502
(the mail was not taken).

====== ======================== ==================================================================
GET    /sandbox/ledger          every bank's accounts, movements, faults and counts of deliveries
POST   /sandbox/movements       ``{"bank": "fio", "account", "amount", "vs"?, "message"?, …}``: the
                                fields of `ledger.Transfer`; booked, and told by mail at once
POST   /sandbox/faults          ``{"bank": "fio", "effect": "twice", "times"?, "seconds"?,
                                "address"?}``: the fields of `faults.Fault`
DELETE /sandbox/faults          switch all off, DNS's troubles too
POST   /sandbox/dns             ``{"domain": "fio.cz", "trouble": "silent" or "servfail"}``
====== ======================== ==================================================================
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.banks.bank import Bank
from sandbox.banks.courier import GaveUp, Refused
from sandbox.banks.faults import Fault
from sandbox.banks.ledger import NoSuchAccount, Transfer
from sandbox.banks.zone import Trouble, Zone

BODY_BYTES_MAX: Final = 64 * 1024

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]
_ANYTHING: Final[TypeAdapter[Any]] = TypeAdapter(Any)


class _NoSuchBank(Exception):
    pass


class Control:
    """The endpoints under ``/sandbox/``."""

    def __init__(self, banks: Mapping[str, Bank], zone: Zone) -> None:
        """Act on these."""
        self._banks = banks
        self._zone = zone

    def application(self) -> Starlette:
        """Put the endpoints together."""
        table: list[tuple[str, str, Endpoint]] = [
            ("GET", "/sandbox/ledger", self.show_ledger),
            ("POST", "/sandbox/movements", self.move),
            ("POST", "/sandbox/faults", self.add_fault),
            ("DELETE", "/sandbox/faults", self.clear),
            ("POST", "/sandbox/dns", self.break_dns),
        ]
        return Starlette(
            routes=[Route(path, _explained(act), methods=[method]) for method, path, act in table]
        )

    async def show_ledger(self, _: Request) -> Response:
        """Show what the banks know."""
        return _json({name: _written(bank) for name, bank in self._banks.items()})

    async def move(self, request: Request) -> Response:
        """Book a transfer and tell of it."""
        body = await _body(request)
        bank, account = self._bank(body), str(body.pop("account", ""))
        movement = bank.book(account, _validated(body, Transfer))
        posted = await bank.tell([movement])
        return _json({"movement": asdict(movement), "mails": len(posted)})

    async def add_fault(self, request: Request) -> Response:
        """Make something go wrong with a bank's next mails."""
        body = await _body(request)
        bank = self._bank(body)
        bank.faults.add(_validated(body, Fault))
        return _json(bank.faults.pending)

    async def clear(self, _: Request) -> Response:
        """Let all go well again."""
        for bank in self._banks.values():
            bank.faults.clear()
        self._zone.recover()
        return _json({})

    async def break_dns(self, request: Request) -> Response:
        """Let the name server fail for a domain."""
        body = await _body(request)
        self._zone.break_down(str(body.get("domain", "")), Trouble(str(body.get("trouble", ""))))
        return _json(self._zone.troubles)

    def _bank(self, body: dict[str, Any]) -> Bank:
        name = str(body.pop("bank", ""))
        if name not in self._banks:
            raise _NoSuchBank(f"There is no bank {name!r}; there are: {', '.join(self._banks)}.")
        return self._banks[name]


def _written(bank: Bank) -> dict[str, Any]:
    return {
        "accounts": [
            asdict(account) | {"movements": bank.ledger.movements(account.number)}
            for account in bank.ledger.accounts
        ],
        "faults": bank.faults.pending,
        "deliveries": {
            "accepted": bank.courier.accepted,
            "put_off": bank.courier.put_off,
            "refused": bank.courier.refused,
        },
    }


def _explained(endpoint: Endpoint) -> Endpoint:
    """Turn the errors of an endpoint into answers that explain them."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (_NoSuchBank, NoSuchAccount) as error:
            return _error(error, 404)
        except ValueError as error:
            return _error(error, 422)
        except (Refused, GaveUp) as error:
            return _error(error, 502)

    return answer


def _error(error: Exception, status: int) -> Response:
    return JSONResponse({"error": str(error)}, status_code=status)


def _json(value: object) -> Response:
    return JSONResponse(_ANYTHING.dump_python(value, mode="json"))


async def _body(request: Request) -> dict[str, Any]:
    """Read a JSON object; numbers stay exact."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > BODY_BYTES_MAX:
            raise ValueError(f"the body has more than {BODY_BYTES_MAX} bytes")
    body = json.loads(bytes(content), parse_float=Decimal)
    if not isinstance(body, dict):
        raise ValueError("a JSON object is expected")  # noqa: TRY004 - the caller is told, not us
    return body


def _validated(value: dict[str, Any], kind: type[T]) -> T:
    """Check an object against a dataclass; a misspelt field is an error, not ignored."""
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]  # all are dataclasses
    if unknown := value.keys() - known:
        raise ValueError(f"no such fields: {', '.join(sorted(unknown))}")
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise ValueError(
            "; ".join(f"{each['loc']}: {each['msg']}" for each in error.errors())
        ) from error
