"""Who a server runs as, and whether that account can reach a folder."""

import os
import pwd
import stat
from pathlib import Path

from spojka.servers.server import ServerError
from spojka.supervisor import Account

UNPRIVILEGED_USERS = ("nobody",)


def unprivileged_account() -> Account | None:
    """Choose the account for a server that refuses to run as root; None when we aren't root.

    Raises:
        ServerError: we are root, and the system has no such account.

    """
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ServerError(
        "PostgreSQL never runs as root, and this system has no user "
        f"{' or '.join(UNPRIVILEGED_USERS)} to run it as. Start Spojka as another user, or set "
        "SPOJKA_DATABASE_URL to a PostgreSQL that runs elsewhere."
    )


def can_reach(account: Account, path: Path) -> bool:
    """Say whether the account may pass through every existing folder that leads to the path."""
    parents = path.resolve().parents
    return all(_may_pass(account, parent) for parent in parents if parent.exists())


def _may_pass(account: Account, folder: Path) -> bool:
    found = folder.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
