"""Growing pauses between attempts, with jitter so that many waiters do not come back as one."""

import random
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Pauses that double from `first_seconds` up to `max_seconds`, each shortened at random."""

    first_seconds: float = 0.1
    max_seconds: float = 10.0
    failures: int = 0

    def next_seconds(self) -> float:
        """Count one more failure and give the pause after it."""
        ceiling = min(self.max_seconds, self.first_seconds * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret

    def reset(self) -> None:
        """Begin anew after a success."""
        self.failures = 0
