"""``POST /xml``: the one data endpoint, with its turn, its journal and its faults."""

import asyncio
import time
from dataclasses import dataclass

from lxml import etree
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from sandbox.pohoda import markup, packs, transport
from sandbox.pohoda.faults import Effect, Fault
from sandbox.pohoda.installation import Installation
from sandbox.pohoda.interruptions import Interruptions, http_status
from sandbox.pohoda.journal import Entry
from sandbox.pohoda.mserver import Disturbance, Outcome
from sandbox.pohoda.packs import EnvelopeError, Kind, NotXmlError, Pack
from sandbox.pohoda.transport import BadBodyError, LoginError

# 0x98 means nothing in Windows-1250, so that wrong bytes cannot be decoded by luck.
_UNDECODABLE = "<!-- Ř -->"


@dataclass(frozen=True, slots=True)
class _Call:
    """A request as far as it can be understood."""

    started: float
    document: etree._Element | None
    pack: Pack | EnvelopeError | NotXmlError

    @property
    def kinds(self) -> frozenset[Kind]:
        return self.pack.kinds if isinstance(self.pack, Pack) else frozenset({Kind.OTHER})


class XmlDoor:
    """Answers packs, one at a time."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._interruptions = Interruptions(installation.connections)
        self._former: dict[frozenset[Kind], str] = {}

    async def answer(self, request: Request) -> Response:
        """Answer a pack: whatever its content, success and failure are inside the XML."""
        try:
            transport.check_type(request.headers.get("content-type", ""))
            body = await _body(request)
            plain = transport.unpack(body, request.headers.get("content-encoding", ""))
        except BadBodyError as error:
            return PlainTextResponse(str(error), status_code=400)
        except ClientDisconnect:
            return Response()
        async with self._installation.worker.turn():
            call = await self._installation.worker.run(lambda: _understand(plain))
            faults = self._installation.faults.take(call.kinds)
            return await self._serve(request, call, faults)

    async def _serve(self, request: Request, call: _Call, faults: list[Fault]) -> Response:
        await asyncio.sleep(self._installation.settings.processing_delay_seconds)
        early = [fault for fault in faults if not fault.after_commit]
        late = [fault for fault in faults if fault.after_commit]
        if interruption := await self._interruptions.apply(request, early):
            await self._note(call, faults, Outcome.NOT_PROCESSED, http_status(early))
            return interruption
        try:
            text = await self._process(request, call, faults, http_status(late))
        except LoginError as error:
            await self._note(call, faults, Outcome.REFUSED, error.status)
            return PlainTextResponse(str(error), status_code=error.status)
        except NotXmlError as error:
            await self._note(call, faults, Outcome.BAD_REQUEST, 400)
            return PlainTextResponse(str(error), status_code=400)
        if interruption := await self._interruptions.apply(request, late):
            return interruption
        former = self._former.get(call.kinds, text)
        self._former[call.kinds] = text
        if any(fault.effect is Effect.REPEATED for fault in faults):
            text = former
        return _written(text, faults, request.headers.get("accept-encoding", ""))

    async def _process(
        self, request: Request, call: _Call, faults: list[Fault], status: int | None
    ) -> str:
        """Process the pack and note it in one step of the worker; returns the answer's text."""
        mserver = self._installation.mserver
        effects = {fault.effect for fault in faults}
        if Effect.PASSWORD in effects:
            raise LoginError(mserver.settings.wrong_password_status, "wrong password")
        account = transport.log_in(request.headers.get("stw-authorization"), mserver.settings)
        checks = request.headers.get("stw-check-duplicity", "").strip().lower() == "true"
        disturbance = _disturbance(call, faults)
        document, pack = call.document, call.pack
        if document is None or isinstance(pack, NotXmlError):
            if mserver.settings.not_well_formed == "http_400":
                raise NotXmlError("the body is not well-formed XML")
            answer = mserver.pack_error("Soubor XML není správně vytvořen.")
            await self._note(call, faults, answer.outcome, status)
            return answer.text

        def process() -> str:
            answer = mserver.answer(document, pack, account, disturbance, checks_duplicity=checks)
            self._write(call, faults, answer.outcome, status)
            return answer.text

        return await self._installation.worker.run(process)

    async def _note(
        self, call: _Call, faults: list[Fault], outcome: Outcome, status: int | None
    ) -> None:
        await self._installation.worker.run(lambda: self._write(call, faults, outcome, status))

    def _write(
        self, call: _Call, faults: list[Fault], outcome: Outcome, status: int | None
    ) -> None:
        pack = call.pack if isinstance(call.pack, Pack) else None
        self._installation.journal.write(
            Entry(
                id=self._installation.journal.next_id(),
                at=self._installation.company.clock(),
                duration_ms=round((time.monotonic() - call.started) * 1000),
                kinds=tuple(sorted(call.kinds)),
                pack_id=pack.id if pack else "",
                item_ids=tuple(item.id for item in pack.items) if pack else (),
                application=pack.application if pack else "",
                outcome=outcome,
                faults=tuple(fault.effect.value for fault in faults),
                http_status=status,
            )
        )


async def _body(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > transport.BODY_BYTES_MAX:
            raise BadBodyError(f"the body is longer than {transport.BODY_BYTES_MAX} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _understand(body: bytes) -> _Call:
    """Parse a body; what is wrong with it is kept for the answer."""
    started = time.monotonic()
    try:
        document = packs.parse(body)
    except NotXmlError as error:
        return _Call(started, None, error)
    try:
        return _Call(started, document, packs.read(document))
    except EnvelopeError as error:
        return _Call(started, document, error)


def _disturbance(call: _Call, faults: list[Fault]) -> Disturbance:
    locked: frozenset[Kind] = frozenset()
    for fault in faults:
        if fault.effect is Effect.LOCKED:
            locked |= fault.kinds or call.kinds
    effects = {fault.effect for fault in faults}
    return Disturbance(
        locked=locked,
        reservation_refused=Effect.RESERVATION_REFUSED in effects,
        import_right_missing=Effect.RIGHTS in effects,
    )


def _written(text: str, faults: list[Fault], accept_encoding: str) -> Response:
    effects = {fault.effect for fault in faults}
    if Effect.CHARSET in effects:
        head, body = text[: len(markup.DECLARATION)], text[len(markup.DECLARATION) :]
        encoded = (head + _UNDECODABLE + body).encode()
    else:
        encoded = markup.encode(text)
    if Effect.CUT in effects:
        encoded = encoded[: len(encoded) // 2]
    packed, headers = transport.pack(encoded, accept_encoding)
    # The header is set by hand: Starlette would add a charset, which the mServer does not send.
    return Response(packed, headers={"Content-Type": "text/xml", **headers})
