"""Tenants: row-level security in every schema, and what would go round it."""

from typing import Final

from proof.mutants.mutant import Edit, Mutant, mutant

_ENABLE: Final = "EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);"
_NO_POLICY: Final = "EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', name);"


def _without_policies(service: str, file: str, test: str, red: str) -> Mutant:
    return mutant(
        f"row-level-security-{service.replace('_', '-')}",
        f"row-level security of the schema `{service}`",
        Edit(f"src/{service}/migrations/{file}", _ENABLE, _NO_POLICY),
        test=test,
        red=red,
    )


MUTANTS: Final[tuple[Mutant, ...]] = (
    _without_policies(
        "stock",
        "0001_stock.sql",
        "stock/test_isolation.py::test_another_tenant_sees_changes_and_deletes_nothing",
        r"reached \w+|shows rows of somebody",
    ),
    _without_policies(
        "orders",
        "0001_orders.sql",
        "orders/test_tenants.py::test_sql_of_one_tenant_reaches_no_row_of_another",
        r"AssertionError: channel",
    ),
    _without_policies(
        "payments",
        "0001_payments.sql",
        "payments/rpc/test_reads.py::test_sql_without_a_tenant_sees_nothing",
        r"AssertionError: payable",
    ),
    _without_policies(
        "mail_ingest",
        "0001_mail.sql",
        "mail_ingest/mails/test_mail_service.py::test_sql_without_the_tenant_reaches_no_row",
        r"AssertionError: connection",
    ),
    mutant(
        "tenant-left-behind",
        "the end of the tenant with its transaction: it stays on the pooled connection",
        Edit("src/spojka/database.py", "; SET LOCAL app.tenant = ", "; SET SESSION app.tenant = "),
        test="stock/test_isolation.py::test_a_tenant_is_not_left_on_a_pooled_connection",
        red=r"assert \(1,\) == \(0,\)",
    ),
    mutant(
        "powerful-role",
        "the refusal to run as a role that row-level security does not bind",
        Edit("src/spojka/database.py", "if superuser or bypass or owner:", "if False:"),
        test="ground/test_database.py::test_a_role_that_no_policy_binds_is_refused",
        red=r"DID NOT RAISE.*RoleRefused",
    ),
    mutant(
        "key-of-another-tenant",
        "the check that a key acts for its own tenant",
        Edit("src/gateway/gatekeeper.py", "if found != grant.tenant_id:", "if found is None:"),
        test="gateway/test_identity.py::test_an_operator_does_not_reach_another_tenant",
        red=r"DID NOT RAISE.*AioRpcError",
    ),
    mutant(
        "credentials-bound-to-their-place",
        "the place that sealed credentials are bound to (the associated data)",
        Edit(
            "src/spojka/secrets.py",
            "encrypt(nonce, plain, place.encode())",
            'encrypt(nonce, plain, b"")',
        ),
        Edit(
            "src/spojka/secrets.py",
            "decrypt(nonce, body, place.encode())",
            'decrypt(nonce, body, b"")',
        ),
        test="ground/test_secrets.py::test_what_was_moved_to_another_row_does_not_open",
        red=r"DID NOT RAISE.*SealBroken",
    ),
)
