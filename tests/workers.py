"""How the tests are shared among the workers of `pytest -n`: what comes first, what together."""

from typing import Final

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

LONGEST: Final = (
    "tests/faults/test_faults.py",
    "tests/stock/test_concurrent.py",
    "tests/security/test_tenants.py",
    "tests/payments/test_concurrent.py",
    "tests/demo/test_demo.py",
    "tests/mail_ingest/hostile/test_hostile_mail.py",
    "tests/mail_ingest/mails/test_killed.py",
    "tests/up/test_command.py",
    "tests/delivery/test_consumer.py",
    "tests/delivery/test_relay_killed.py",
    "tests/servers/test_kafka.py",
    "tests/sandbox/pohoda/test_company.py",
)
"""Files of a minute or more, the longest first."""

TOGETHER: Final = {
    f"tests/security/test_{name}.py": "one house"
    for name in ("tenants", "messages", "floods", "secrets", "http_doors")
}
"""Files whose fixture is worth more than sharing them out."""


def place_of(nodeid: str) -> int:
    """Where a test comes: the longest first, so that no worker is left alone with it at the end."""
    file = nodeid.partition("::")[0]
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)


class FilesOrGroups(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A file stays with one worker, and so do files that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return TOGETHER.get(file, file)
