"""Which orders a caller may know of."""

from datetime import datetime

from orders.domain.change import Change
from orders.domain.order import Order
from orders.domain.status import StatusRule
from orders.storage.changing import Step, no_order
from spojka.identity import Identity


def may_see(identity: Identity, channel_id: str) -> bool:
    """Whether an order of this channel is there for the caller."""
    return identity.channel_id in {None, channel_id}


def seen_by(identity: Identity, step: Step) -> Step:
    """The step, refused with NotFound on an order that is not there for the caller."""

    def checked(order: Order, rule: StatusRule, now: datetime) -> Change | None:
        if not may_see(identity, order.content.channel_id):
            raise no_order(order.id)
        return step(order, rule, now)

    return checked
