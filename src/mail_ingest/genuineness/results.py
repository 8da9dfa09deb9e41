"""What SPF, DMARC and ARC can say: plain values, without what finds them out."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_ARC_LINE = re.compile(
    r"(pass|fail|none|temperror)"
    r"(?:, sealer ([\w.-]+))?(?:, i=(\d+) (spf|dkim)=pass for ([\w.-]+))?",
    re.ASCII,
)


class SpfResult(StrEnum):
    """The results of RFC 7208 §2.6."""

    PASS = "pass"  # noqa: S105 - a result, no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class SpfCheck:
    """What SPF says, of which domain, and why."""

    result: SpfResult
    domain: str
    reason: str


class DmarcResult(StrEnum):
    """What came of it."""

    PASS = "pass"  # noqa: S105 - a result, no password
    FAIL = "fail"
    NONE = "none"
    TEMPERROR = "temperror"


@dataclass(frozen=True, slots=True)
class ArcCheck:
    """The chain's result, who sealed it last, and what a listed sealer saw pass."""

    result: str
    sealer: str = ""
    instance: int = 0
    method: str = ""
    domain: str = ""

    def __str__(self) -> str:
        """Write it as a line, which `parse` reads."""
        text = self.result
        if self.sealer:
            text += f", sealer {self.sealer}"
        if self.method:
            text += f", i={self.instance} {self.method}=pass for {self.domain}"
        return text

    @classmethod
    def parse(cls, text: str) -> "ArcCheck":
        """Read such a line. Raises ValueError."""
        match = _ARC_LINE.fullmatch(text.strip())
        if match is None:
            raise ValueError("wants 'pass, sealer DOMAIN, i=N spf=pass for DOMAIN'")
        result, sealer, instance, method, domain = match.groups(default="")
        return cls(result, sealer.lower(), int(instance or 0), method, domain.lower())


NO_CHAIN: Final = ArcCheck("none")
