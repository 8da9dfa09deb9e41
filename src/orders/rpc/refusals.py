"""Errors of one element of a batch, as the batch's answer tells them."""

from spojka.api.orders.v1.order_service_pb2 import FieldRefusal, Refusal
from spojka.errors import InvalidArgument, RequestError
from spojka.rpc.status import status_code


def refusal_of(error: RequestError) -> Refusal:
    """The refusal that says what the call alone would have failed with."""
    fields = [
        FieldRefusal(field=violation.field, description=violation.description)
        for violation in (error.violations if isinstance(error, InvalidArgument) else ())
    ]
    return Refusal(code=status_code(error).value[0], message=error.message, fields=fields)
