"""Where a watcher stands: a cursor over transactions that loses no late commit.

A round tells what changed in transactions numbered `since` or later; 0 tells
everything. `next` is the oldest transaction that was still running when the
round began: whatever the round could not see has that number or a later one,
so the next round begins there. It may see a change twice, never miss one.
`after` is the listing that the round has come to.

Source: https://www.postgresql.org/docs/current/functions-info.html, snapshots
(pg_snapshot_xmin: every transaction below it has ended).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from spojka.errors import InvalidArgument, Violation
from spojka.rpc.pagination import decode_token, encode_token
from stock.listings.offers import OfferRule, Terms

EVERYTHING: Final = 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a round. `terms` is the fingerprint of the rules that its offers follow."""

    channel_id: str
    epoch: int
    terms: str
    since: int = EVERYTHING
    next: int = EVERYTHING
    after: str = ""

    @property
    def round_begins(self) -> bool:
        """Whether nothing of the round has been told yet."""
        return not self.after

    def round_begun(self, oldest_running: int) -> "Cursor":
        """The beginning of a round, whose successor begins with a transaction."""
        return replace(self, next=oldest_running)

    def passed(self, listing_id: str) -> "Cursor":
        """The place after a listing."""
        return replace(self, after=listing_id)

    def round_ended(self) -> "Cursor":
        """The beginning of the next round."""
        return replace(self, since=self.next, after="")

    def token(self) -> str:
        """The opaque form that clients keep."""
        parts = (self.channel_id, self.epoch, self.terms, self.since, self.next, self.after)
        return encode_token([str(part) for part in parts])


def parse_cursor(token: str, channel_id: str) -> Cursor | None:
    """The cursor in a token; None for the beginning. Raises InvalidArgument on a foreign one."""
    try:
        parts = decode_token(token, 6)
        if parts is None:
            return None
        channel, epoch, terms, since, following, after = parts
        cursor = Cursor(channel, int(epoch), terms, int(since), int(following), after)
    except (InvalidArgument, ValueError) as error:
        raise _foreign("is not a token that this method gave") from error
    if cursor.channel_id != channel_id:
        raise _foreign(f"is of the channel {cursor.channel_id!r}")
    if not 0 <= cursor.since <= cursor.next < 2**63 or "\x00" in cursor.after:
        raise _foreign("is not a token that this method gave")
    return cursor


def fingerprint(rule: OfferRule, terms: Mapping[UUID, Terms]) -> str:
    """What changes with everything that changes offers of all listings at once."""
    content = [
        sorted(rule.warehouses),
        *(str(part) for part in (rule.buffer, rule.percent, rule.maximum, rule.fractions)),
        sorted(
            [str(key), term.aggregation, str(term.buffer), term.current]
            for key, term in terms.items()
        ),
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _foreign(description: str) -> InvalidArgument:
    return InvalidArgument(
        [Violation("resume_token", f"{description}; leave it empty to begin anew")]
    )
