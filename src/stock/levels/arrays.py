"""Arrays of numbers for statements on thousands of rows."""

from collections.abc import Iterable
from decimal import Decimal


def numbers(values: Iterable[Decimal | int]) -> str:
    """Write an array of numbers as PostgreSQL reads it; a list takes psycopg three times as long.

    Bind it with %s and the array's type: `%s::numeric[]`.
    """
    return f"{{{','.join(map(str, values))}}}"
