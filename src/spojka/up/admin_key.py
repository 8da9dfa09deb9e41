"""The first admin key: made when there is none, and kept in the data directory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from spojka.bootstrap import BootstrapError, registered_bootstrap
from spojka.service import Service
from spojka.settings import Settings
from spojka.up.preparation import own_database_url
from spojka.up.private_file import write_private
from spojka.up.report import Report

FILE_NAME: Final = "admin.key"


async def admin_key(
    settings: Settings, services: Mapping[str, Service], data_dir: Path, report: Report
) -> str | None:
    """The admin key of the data directory, made now where the database has none.

    None, with a warning, where keys are kept but none is known here: another
    machine made the first one of a shared database, or its file is gone.
    Raises BootstrapError where no package can make keys.
    """
    schema, create = registered_bootstrap()
    path = data_dir / FILE_NAME
    if schema not in services:
        return None
    try:
        key = await create(
            own_database_url(settings, schema), description="first admin key", force=False
        )
    except BootstrapError as error:
        if path.exists():
            return path.read_text(encoding="utf-8").strip()
        report.warn(f"No admin key is known in {data_dir}: {error}")
        return None
    write_private(path, f"{key}\n")
    report.tell(f"The first admin key is in {path}")
    return key
