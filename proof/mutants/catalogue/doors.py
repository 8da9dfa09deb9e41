"""The doors: who may call what, and where a call may go."""

from typing import Final

from proof.mutants.mutant import Edit, Mutant, mutant

_OUTBOUND: Final = "src/spojka/outbound.py"

MUTANTS: Final[tuple[Mutant, ...]] = (
    mutant(
        "scope-of-a-key",
        "the least scope of a method",
        Edit("src/gateway/gatekeeper.py", "if grant.scope < least:", "if False:"),
        test="gateway/test_scopes.py::test_a_scope_opens_its_methods_and_no_other",
        red=r"assert not \[",
    ),
    mutant(
        "private-targets",
        "the refusal of addresses in the operator's own network",
        Edit(
            _OUTBOUND,
            "return ip.is_global and not ip.is_multicast and not any(",
            "return True or not any(",
        ),
        test="ground/test_outbound.py::test_addresses_of_the_operators_own_network_are_refused",
        red=r"DID NOT RAISE.*TargetForbidden",
    ),
    mutant(
        "private-targets-mapped",
        "the look through an IPv6 address at the IPv4 address that it carries",
        Edit(
            _OUTBOUND,
            "    if mapped is not None:\n        ip = mapped",
            "    if mapped is not None:\n        return True",
        ),
        test="ground/test_outbound.py::"
        "test_addresses_of_the_operators_own_network_are_refused[::ffff:127.0.0.1]",
        red=r"DID NOT RAISE.*TargetForbidden",
    ),
)
