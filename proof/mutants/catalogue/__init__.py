"""All mutants, by what they threaten."""

from typing import Final

from proof.mutants.catalogue import delivery, doors, goods, mail, matcher, money, tenants
from proof.mutants.mutant import Mutant

MUTANTS: Final[tuple[Mutant, ...]] = (
    *goods.MUTANTS,
    *delivery.MUTANTS,
    *money.MUTANTS,
    *matcher.MUTANTS,
    *mail.MUTANTS,
    *tenants.MUTANTS,
    *doors.MUTANTS,
)
