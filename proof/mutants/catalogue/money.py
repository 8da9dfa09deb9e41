"""Orders and payments: one order once, money neither made nor lost, a person's word stands."""

from typing import Final

from proof.mutants.mutant import Edit, Mutant, mutant

_AUTOMATION: Final = "src/payments/ledger/automation.py"
_NO_PLACE_IN_MAIL: Final = Edit(
    "src/payments/notifications.py",
    "known = self.sources.get(notice.told) or self.known.get(notice.told)",
    "known = None",
)

MUTANTS: Final[tuple[Mutant, ...]] = (
    mutant(
        "orders-lock",
        "the lock on orders before a change of them is decided",
        Edit(
            "src/orders/storage/changing.py",
            "id = ANY(%s) ORDER BY id FOR UPDATE",
            "id = ANY(%s) ORDER BY id",
        ),
        test="orders/test_changing.py::test_of_amendments_at_once_one_gets_through",
        red=r"assert 0 == 3",
    ),
    mutant(
        "orders-payment-revision",
        "the guard by which an older word of what is paid changes nothing",
        Edit("src/orders/domain/payment.py", "if revision <= order.payment_revision:", "if False:"),
        test="orders/test_states.py::test_reports_of_payments_end_the_same_in_any_order",
        red=r"assert \(Decimal",
    ),
    mutant(
        "orders-import-revision",
        "the guard by which an older word of an import changes nothing",
        Edit(
            "src/orders/domain/imports.py",
            "if report.imported.revision <= order.imported.revision:",
            "if False:",
        ),
        test="orders/test_states.py::test_reports_of_imports_end_the_same_in_any_order",
        red=r"assert \(Import",
    ),
    mutant(
        "orders-other-content",
        "the comparison of an order that is sent again with the one that is in the book",
        Edit(
            "src/orders/placing.py",
            "if created or found.fingerprint == sent.fingerprint:",
            "if True:",
        ),
        test="orders/test_placing.py::test_other_content_is_refused_and_the_difference_named",
        red=r"DID NOT RAISE.*AlreadyExists",
    ),
    mutant(
        "orders-rounded-once",
        "the exact sum: each line is rounded by itself",
        Edit(
            "src/orders/domain/total.py",
            "total = _EXACT.add(total, price)",
            "total = _EXACT.add(total, price.quantize(CENT, context=_EXACT))",
        ),
        test="orders/test_totals.py::test_the_total_is_the_exact_sum_rounded_half_up_once",
        red=r"assert .*Fraction\(",
    ),
    mutant(
        "payments-order-lock",
        "the lock on orders before a payment is given to one",
        Edit(
            "src/payments/storage/orders.py",
            'return await _ask(connection, tenant, ids, "FOR UPDATE")',
            'return await _ask(connection, tenant, ids, "")',
        ),
        test="payments/test_locks.py::test_of_two_payments_at_once_the_order_takes_one",
        red=r"assert \[",
    ),
    mutant(
        "payments-payment-lock",
        "the lock on payments before it is decided about them",
        Edit(
            "src/payments/storage/payments.py",
            'return await _read(connection, tenant, ids, "FOR UPDATE")',
            'return await _read(connection, tenant, ids, "")',
        ),
        test="payments/test_locks.py::test_a_payment_decided_about_twice_at_once_is_given_once",
        red=r"assert 7 == 4",
    ),
    mutant(
        "payments-turns",
        "the turns by which two tellings of one movement meet",
        Edit(
            "src/payments/storage/turns.py",
            'await connection.execute(_TURN, [f"{tenant}/{connection_id}/notifications"])',
            'await connection.execute("SELECT 1")',
        ),
        test="payments/test_locks.py::"
        "test_what_nothing_tells_apart_is_a_possible_twin_though_it_comes_at_once",
        red=r"assert Decimal\('200",
    ),
    mutant(
        "payments-order-revision",
        "the guard by which an older state of an order changes nothing",
        Edit(
            "src/payments/order_events.py",
            "if order_id in known and order.revision > known[order_id].revision",
            "if order_id in known",
        ),
        test="payments/test_order_events.py::"
        "test_an_older_revision_changes_nothing_and_any_may_be_the_first",
        red=r"assert Decimal\('100'\) == 120",
    ),
    mutant(
        "payments-mail-and-movement",
        "the natural key of a notification: its mail and the place of the movement in it",
        _NO_PLACE_IN_MAIL,
        test="payments/test_notifications.py::test_an_event_delivered_again_changes_nothing",
        red=r"assert \[",
    ),
    mutant(
        "payments-inbox",
        "the inbox of the consumer of notifications",
        Edit(
            "src/payments/service.py",
            "notifications.NotificationEvents(), Kind.FACT)",
            "notifications.NotificationEvents(), Kind.STATE)",
        ),
        _NO_PLACE_IN_MAIL,
        test="payments/test_service.py::test_a_notification_that_kafka_delivers_twice_is_one_payment",
        red=r"assert 3 == 2",
        behind="the natural key: mail and movement",
    ),
    mutant(
        "payments-twins",
        "the halt at a movement that nothing tells from another one",
        Edit(
            "src/payments/ledger/recognising.py",
            "Relation.DIFFERENT\n    return Relation.TWINS",
            "Relation.DIFFERENT\n    return Relation.DIFFERENT",
        ),
        test="payments/test_notifications.py::"
        "test_likeness_without_reference_and_balance_is_a_possible_twin",
        red=r"assert Decimal\('200'\) == 100",
    ),
    mutant(
        "payments-hold",
        "the rule that a payment which waits for a person is not matched",
        Edit(
            _AUTOMATION,
            "        and not disposition.hold\n        and not disposition.decided_by",
            "        and not disposition.decided_by",
        ),
        test="payments/test_notifications.py::test_what_waits_for_a_person_pays_nothing",
        red=r"assert 4 == 1",
    ),
    mutant(
        "payments-taken-back",
        "the halt at a payment that the bank may have taken back",
        Edit(
            "src/payments/ledger/admitting.py",
            "        not told\n        or gives",
            "        not told\n        or True",
        ),
        test="payments/test_told_again.py::"
        "test_money_that_was_taken_back_waits_for_a_person_when_its_order_comes",
        red=r"\['100 PAID'\] == \['0 UNPAID'\]",
    ),
    mutant(
        "payments-persons-word",
        "the rule that automation leaves a person's decision alone",
        Edit(
            _AUTOMATION,
            "        and not disposition.decided_by\n        and disposition.status",
            "        and disposition.status",
        ),
        test="payments/rpc/test_decisions_over_grpc.py::"
        "test_automation_leaves_a_persons_decision_alone",
        red=r"assert 4 == 2",
    ),
    mutant(
        "payments-conserved",
        "the guard that no payment gives more than came",
        Edit(
            "src/payments/matching/coverage.py",
            "if min(allocated, credited, rest) < 0:",
            "if False:",
        ),
        test="payments/matching/test_properties.py::test_a_split_is_refused_or_conserves",
        red=r"assert Decimal\('-",
    ),
    mutant(
        "payments-manual-currency",
        "the currency guard of a match by hand",
        Edit(
            "src/payments/decisions/refusals.py",
            "if order.currency != payment.currency:",
            "if False:",
        ),
        test="payments/test_decisions.py::test_what_a_match_refuses",
        red=r"DID NOT RAISE.*FailedPrecondition",
    ),
    mutant(
        "orders-paid-currency",
        "the currency guard of an order that is paid, where it is amended",
        Edit(
            "src/orders/domain/transitions.py",
            "if order.amount_paid and content.currency != order.content.currency:",
            "if False:",
        ),
        test="orders/test_reports.py::test_what_is_paid_keeps_its_currency",
        red=r"DID NOT RAISE.*FailedPrecondition",
    ),
)
