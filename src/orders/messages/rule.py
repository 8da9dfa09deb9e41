"""Status rules: messages to values and back."""

from orders.domain.status import StatusRule
from spojka.api.orders.v1 import channel_service_pb2


def rule_of(message: channel_service_pb2.StatusRule) -> StatusRule:
    """The rule of a message."""
    return StatusRule(
        message.placed,
        message.paid,
        tuple(message.paid_unless),
        message.delivered,
        message.cancelled,
    )


def rule_message(rule: StatusRule) -> channel_service_pb2.StatusRule:
    """The message of a rule."""
    return channel_service_pb2.StatusRule(
        placed=rule.placed,
        paid=rule.paid,
        paid_unless=rule.paid_unless,
        delivered=rule.delivered,
        cancelled=rule.cancelled,
    )
