"""The first admin key, made directly in the database."""

from typing import Final

import psycopg

from gateway import api_keys
from gateway.api_keys import Grant
from gateway.credential import new_key
from spojka.bootstrap import BootstrapError
from spojka.identity import Scope

ACTOR: Final = "bootstrap"
CONNECT_TIMEOUT_SECONDS: Final = 10
_LOCK_KEY: Final = 0x53504B30  # "SPK0": of two at once, the second finds the first's key


async def create_admin_key(
    database_url: str, *, description: str = "first admin key", force: bool = False
) -> str:
    """Make an admin key and return its text, which is never shown again.

    `database_url` logs in as the gateway's role or as one that may do what it
    may. Raises BootstrapError where an admin key lives already and `force` is
    not set, where the schema is missing, or where the database does not answer.
    """
    text, credential = new_key()
    grant = Grant(credential.id, None, Scope.ADMIN, None)
    try:
        async with await psycopg.AsyncConnection.connect(
            database_url,
            options="-c search_path=gateway",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            application_name="spojka bootstrap",
        ) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_KEY])
            if not force and await api_keys.count_live_keys(connection, None):
                raise BootstrapError(
                    "there is an admin key already: use it, or make another with --force"
                )
            await api_keys.insert_key(
                connection, credential, grant, description=description, created_by=ACTOR
            )
    except psycopg.errors.UndefinedTable as error:
        raise BootstrapError("the gateway's tables are missing: run 'spojka migrate'") from error
    except psycopg.Error as error:
        raise BootstrapError(f"the database can't be used: {error}") from error
    return text
