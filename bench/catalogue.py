"""The rows of the table by name, in its order."""

from collections.abc import Awaitable, Callable
from typing import Final

from bench.result import Result
from bench.rows import (
    latency,
    mail,
    mail_proof,
    match,
    offers,
    open_orders,
    orders,
    paid,
    parsing,
    payments,
    readings,
    relay,
)
from bench.stage import Stage

Row = Callable[[Stage], Awaitable[list[Result]]]

ROWS: Final[dict[str, Row]] = {
    "changed": readings.changed,
    "unchanged": readings.unchanged,
    "parse": parsing.parse,
    "open": open_orders.read_back,
    "relay": relay.drain,
    "latency": latency.commit_to_consumer,
    "place": orders.one_at_a_time,
    "batch": orders.in_batches,
    "offers": offers.decide,
    "accept": mail.accept,
    "verify": mail_proof.verify,
    "paid": paid.mail_to_paid,
    "match": match.one_match,
    "payments": payments.in_one_go,
}
