"""PostgreSQL on a host of its own."""

from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg

from proof.network.lan import Port, on
from spojka.servers.postgres import PROBE_TIMEOUT_S, EmbeddedPostgres
from spojka.supervisor import Child

ALLOWED: Final = "host all all {network} scram-sha-256\n"


async def placed(port: Port, folder: Path) -> tuple[Child, str]:
    """The server as it runs on the port's host, and its URL there; nothing runs yet."""
    server = EmbeddedPostgres(data=folder / "postgres", log_path=folder / "logs" / "postgres.log")
    child = await server.prepare()
    rules = server.data / "hosts.conf"
    rules.write_text(ALLOWED.format(network=port.switch.everyone))
    rules.chmod(0o644)
    parts = urlsplit(server.url)
    netloc = f"{parts.netloc.rpartition('@')[0]}@{port.address}:{parts.port}"
    url = urlunsplit(parts._replace(netloc=netloc))

    async def lacks() -> str | None:
        try:
            connection = await psycopg.AsyncConnection.connect(url, connect_timeout=PROBE_TIMEOUT_S)
        except psycopg.Error as error:
            return str(error).strip()
        await connection.close()
        return None

    options = ("-c", f"listen_addresses={port.address}", "-c", f"hba_file={rules}")
    argv = on(port.host, *_as_account(child), *child.argv, *options)
    return replace(child, argv=argv, account=None, ready=lacks), url


def _as_account(child: Child) -> tuple[str, ...]:
    # Only root may enter the host, so root is given up after that, and not by the launcher.
    # The request for a signal at the parent's death ends with root, too: it is made again.
    if child.account is None:
        return ()
    return (
        *("setpriv", "--reuid", str(child.account.uid), "--regid", str(child.account.gid)),
        *("--clear-groups", "--pdeathsig", child.orphan_signal.name, "--"),
    )
