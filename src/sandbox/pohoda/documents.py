"""``/documents/…``: pictures and attachments from the company's folder, and from nowhere else."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from sandbox.pohoda import transport
from sandbox.pohoda.installation import Installation
from sandbox.pohoda.transport import LoginError


class DocumentsDoor:
    """Serves the files of the folder that the installation was given, if any."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    async def answer(self, request: Request) -> Response:
        """Answer with the file, or 404 where there is none inside the folder."""
        try:
            transport.log_in(request.headers.get("stw-authorization"), self._installation.settings)
        except LoginError as error:
            return PlainTextResponse(str(error), status_code=error.status)
        found = self._find(request.path_params["path"])
        return FileResponse(found) if found else PlainTextResponse("not found", status_code=404)

    def _find(self, relative: str) -> Path | None:
        if self._installation.documents_dir is None:
            return None
        folder = self._installation.documents_dir.resolve()
        path = (folder / relative).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None
