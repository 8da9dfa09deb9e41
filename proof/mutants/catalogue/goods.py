"""Stock and imports: nothing oversold, no order twice in the warehouse."""

from typing import Final

from proof.mutants.mutant import Edit, Mutant, mutant

_ABSORB: Final = "src/stock/imports/absorb.py"
_APPLY: Final = "src/stock/levels/apply.py"
_AVAILABILITY: Final = "src/stock/domain/availability.py"
_CREATING: Final = "src/stock/imports/creating.py"
_HOLDS: Final = "src/stock/domain/holds.py"
_IMPORTS: Final = "src/stock/domain/imports.py"
_INTAKE: Final = "src/stock/imports/intake.py"

_NO_LOOK_UP: Final = Edit(_IMPORTS, "return Step.LOOK_UP", "return Step.CREATE")
_LATE_ANSWERS: Final = Edit(
    _APPLY,
    "card.card_id not in newer] if newer else answer.cards",
    "True] if newer else answer.cards",
)

MUTANTS: Final[tuple[Mutant, ...]] = (
    mutant(
        "stock-item-lock",
        "the lock on items before their numbers are decided",
        Edit(
            "src/stock/levels/publish.py",
            "id = ANY(%b::uuid[]) ORDER BY id FOR UPDATE",
            "id = ANY(%b::uuid[]) ORDER BY id",
        ),
        test="stock/test_locks.py::test_two_orders_of_one_item_at_once_are_both_taken_off",
        red=r"movement_pkey",
    ),
    mutant(
        "stock-import-lock",
        "the lock on an order's import before its state is decided",
        Edit(
            "src/stock/imports/store.py",
            'return await _load(connection, tenant_id, order_ids, " FOR UPDATE")',
            'return await _load(connection, tenant_id, order_ids, "")',
        ),
        test="stock/test_locks.py::test_an_order_that_is_being_cancelled_is_not_sent",
        red=r"assert not \['",
    ),
    mutant(
        "stock-order-revision",
        "the guard by which an older state of an order changes nothing",
        Edit(_INTAKE, "if order.revision > known[order_id].order_revision", "if True"),
        Edit(
            _INTAKE,
            "if order.content_revision > known[order_id].content_revision\n        or _cancels",
            "if True\n        or _cancels",
        ),
        test="stock/test_late_answers.py::test_order_events_end_the_same_in_any_order",
        red=r"assert .*== Decimal",
        behind="the same guard by the revision of the content",
    ),
    mutant(
        "level-capture",
        "the guard by which an older reading does not overwrite a newer one",
        Edit(
            _APPLY,
            "level.card_id = row.card_id\n      AND level.capture < %b",
            "level.card_id = row.card_id\n      AND %b::bigint > 0",
        ),
        _LATE_ANSWERS,
        test="stock/test_late_answers.py::test_an_older_capture_changes_nothing",
        red=r"AssertionError: assert Picture",
        behind="the same guard by the coverage",
    ),
    mutant(
        "level-late-answer",
        "the guard by which a late answer does not undo what a newer one found unchanged",
        _LATE_ANSWERS,
        test="stock/test_late_answers.py::"
        "test_an_older_capture_does_not_undo_what_a_newer_one_found_unchanged",
        red=r"assert Decimal\('30\.000000'\) == 10",
    ),
    mutant(
        "hold-acknowledgement",
        "the condition that a document was acknowledged and read back: any later level is enough",
        Edit(
            _ABSORB,
            "return absorbed_part(netted, entry.confirmed, entry.barrier)",
            "return entry.hold.wanted if entry.confirmed else ZERO",
        ),
        test="stock/test_hold_life.py::test_an_order_is_taken_off_once",
        red=r"assert Decimal\('10\.000000'\) == 8",
    ),
    mutant(
        "hold-reservation",
        "the condition that the document is shown as reserved where the number nets reservations",
        Edit(
            "src/stock/domain/netting.py",
            "if meaning is Meaning.NET_OF_RESERVATIONS and document.reserved:",
            "if meaning is Meaning.NET_OF_RESERVATIONS:",
        ),
        test="stock/test_domain_netting.py::test_each_meaning_nets_its_own",
        red=r"assert Decimal\('5'\) == 1",
    ),
    mutant(
        "hold-coverage",
        "the condition that a level came after the read-back",
        Edit(
            _HOLDS,
            "covered = sum(entry.number < confirmed for entry in valid)",
            "covered = len(valid)",
        ),
        test="stock/test_domain_holds.py::"
        "test_nothing_is_absorbed_before_a_level_comes_after_a_read_back",
        red=r"assert Decimal\('\d'\) == 0",
    ),
    mutant(
        "coverage-recorded",
        "the record of the cards that an answer spoke for, also where no number changed",
        Edit(
            _APPLY,
            "await _record_coverage(connection, rule, answer, covered)",
            "await _record_coverage(connection, rule, answer, set())",
        ),
        test="stock/test_late_answers.py::"
        "test_an_older_capture_does_not_undo_what_a_newer_one_found_unchanged",
        red=r"assert Decimal\('30\.000000'\) == 10",
    ),
    mutant(
        "hold-barrier",
        "the rule that what was read before our last write to the document is void",
        Edit(
            _HOLDS,
            "(entry for entry in read_backs if entry.number > barrier)",
            "(entry for entry in read_backs)",
        ),
        test="stock/test_domain_holds.py::test_what_was_read_before_our_last_write_is_void",
        red=r"assert Decimal\('\d'\) == Decimal\('\d'\)",
    ),
    mutant(
        "sum-for-max",
        "the rule of several warehouses: sum and max are swapped",
        Edit(
            _AVAILABILITY,
            "elif aggregation is Aggregation.SUM:",
            "elif aggregation is Aggregation.MAX:",
        ),
        test="stock/test_domain_availability.py::test_sum_and_max_by_example",
        red=r"assert Decimal\('2\.5'\) == Decimal\('0\.5'\)",
    ),
    mutant(
        "clamp-at-the-end",
        "the one clamp at the very end: each warehouse is clamped by itself",
        Edit(
            _AVAILABILITY,
            "total = sum(free, ZERO)",
            "total = sum((max(part, ZERO) for part in free), ZERO)",
        ),
        test="stock/test_domain_availability.py::test_sum_and_max_by_example",
        red=r"assert Decimal\('2\.5'\) == Decimal\('0\.5'\)",
    ),
    mutant(
        "look-up-before-resend",
        "the look-up of a document whose answer was lost, before it is sent again",
        _NO_LOOK_UP,
        test="stock/test_domain_imports.py::test_a_step_is_taken_only_from_where_it_is_safe",
        red=r"Step\.CREATE",
    ),
    mutant(
        "document-sent-twice",
        "the look-up again, with its harm: a second document in the warehouse",
        _NO_LOOK_UP,
        Edit(
            _CREATING,
            "create_document(document, resend=resend)",
            "create_document(document, resend=False)",
        ),
        test="stock/test_hold_life.py::test_a_lost_answer_makes_no_second_document",
        red=r"assert 2 == 1",
        behind="the warehouse system's own recognition of a document's id",
    ),
    mutant(
        "timeout-is-unknown",
        "the state UNKNOWN after a lost answer: it is taken for a failure",
        Edit(
            _CREATING,
            "await importer.record(found.order_id, unknown, error)",
            "await importer.record(found.order_id, _not_sent, error)",
        ),
        test="stock/test_hold_life.py::test_a_lost_answer_makes_no_second_document",
        red=r"assert 'local' == 'unknown'",
    ),
    mutant(
        "sent-before-the-first-byte",
        "the mark SENT that is committed before the request leaves",
        Edit(_CREATING, 'state=ImportState.SENT,\n        action="create"', 'action="create"'),
        test="stock/test_leases.py::"
        "test_an_answer_heard_after_the_lease_was_lost_is_left_to_the_next_holder",
        red=r"assert 'local' == 'sent'",
    ),
    mutant(
        "lease-token",
        "the look at the lease before anything is sent or recorded",
        Edit("src/spojka/leases.py", "return await cursor.fetchone() is not None", "return True"),
        test="stock/test_leases.py::test_a_stopped_holder_that_continues_sends_nothing",
        red=r"DID NOT RAISE.*LeaseLost",
    ),
    mutant(
        "mass-change-gate",
        "the gate before a reading that would set much to nothing",
        Edit(
            "src/stock/domain/gate.py",
            "return zeroed >= LEAST_ZEROED and zeroed * 100 > stocked * self.limit_percent",
            "return False",
        ),
        test="stock/test_gate.py::test_a_mass_change_waits_and_changes_nothing",
        red=r"assert \{Decimal\('0\.000000'\)\} == \{Decimal\('5'\)\}",
    ),
)
