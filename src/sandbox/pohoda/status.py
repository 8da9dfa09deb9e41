"""``/status``: whether the mServer lives, and what it works on."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox.pohoda import markup, transport
from sandbox.pohoda.faults import Effect
from sandbox.pohoda.installation import Installation
from sandbox.pohoda.interruptions import Interruptions
from sandbox.pohoda.markup import element, leaf
from sandbox.pohoda.packs import Kind
from sandbox.pohoda.transport import LoginError


class StatusDoor:
    """Answers at once, whatever the one worker does."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._breaks = Interruptions(installation.connections)

    async def answer(self, request: Request) -> Response:
        """Answer with the state, and with the unit's details for ``?companyDetail``."""
        settings = self._installation.settings
        faults = self._installation.faults.take(frozenset({Kind.STATUS}))
        if interruption := await self._breaks.apply(request, faults):
            return interruption
        try:
            if any(fault.effect is Effect.PASSWORD for fault in faults):
                raise LoginError(settings.wrong_password_status, "wrong password")
            if settings.status_needs_login:
                transport.log_in(request.headers.get("stw-authorization"), settings)
        except LoginError as error:
            return PlainTextResponse(str(error), status_code=error.status)
        text = self._text(str(request.base_url).rstrip("/"), "companyDetail" in request.url.query)
        return Response(markup.encode(text), headers={"Content-Type": "text/xml"})

    def _text(self, url: str, with_company: bool) -> str:
        settings = self._installation.settings
        in_work = self._installation.worker.requests_in_work
        content = (
            leaf("message", "Response from POHODA mServer")
            + leaf("name", settings.server_name)
            + leaf("server", url)
            + leaf("status", "busy" if in_work else "idle")
            + leaf("processing", in_work)
        )
        if with_company:
            year = self._installation.company.clock().year
            content += (
                leaf("company", settings.company_name)
                + leaf("databaseName", f"StwPh_{settings.ico}_{year}")
                + leaf("year", year)
                + leaf("period", f"01.01.{year}-31.12.{year}")
            )
        return markup.DECLARATION + element("mServer", content)
