"""What a verification found."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from spojka.verification.model import Checked, Difference, Finding

TOLD_MAX: Final = 100
"""Differences of one service that are told; all are counted."""
REMEMBERED_MAX: Final = 100_000
"""Differences of one tenant that a second look can clear; more than that is no matter of time."""

Identity = tuple[str, str, str]


def identity(difference: Difference) -> Identity:
    """By which a difference is known again in a later look."""
    return difference.what, difference.id, difference.field


@dataclass(slots=True)
class ServiceReport:
    """One service: how much was looked at, the first differences, and their number."""

    service: str
    checked: Counter[str] = field(default_factory=Counter)
    differences: list[tuple[UUID | None, Difference]] = field(default_factory=list)
    difference_count: int = 0

    def take(self, tenant: UUID | None, findings: Iterable[Finding]) -> None:
        """Count findings; of a topic the tenant is in the subject's key."""
        for finding in findings:
            if isinstance(finding, Checked):
                self.checked[finding.what] += finding.count
                continue
            self.difference_count += 1
            if len(self.differences) < TOLD_MAX:
                self.differences.append((tenant, finding))


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in all. `topics`: whether the topics were compared, too."""

    tenants: Mapping[str, UUID]
    services: Mapping[str, ServiceReport]
    topics: bool

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not any(each.difference_count for each in self.services.values())

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        names = {tenant: name for name, tenant in self.tenants.items()}
        return {
            "agrees": self.agrees,
            "topics_compared": self.topics,
            "tenants": len(self.tenants),
            "services": [
                {
                    "service": each.service,
                    "checked": dict(sorted(each.checked.items())),
                    "difference_count": each.difference_count,
                    "differences": [
                        {
                            "tenant": names.get(tenant, str(tenant)) if tenant else "",
                            "what": found.what,
                            "id": found.id,
                            "field": found.field,
                            "stored": found.stored,
                            "rebuilt": found.rebuilt,
                            "meaning": found.meaning,
                        }
                        for tenant, found in each.differences
                    ],
                }
                for each in self.services.values()
            ],
        }
