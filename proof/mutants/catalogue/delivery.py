"""The outbox, the relay and the consumers: nothing lost, nothing twice, order per key."""

from typing import Final

from proof.mutants.mutant import Edit, Mutant, mutant

_LANE: Final = "src/spojka/delivery/lane.py"

MUTANTS: Final[tuple[Mutant, ...]] = (
    mutant(
        "relay-fence",
        "the fence: every producer gets a transactional id of its own",
        Edit(
            _LANE,
            'f"{self._transactional_id}-{name}")',
            'f"{self._transactional_id}-{name}-{id(self)}-{id(name)}")',
        ),
        test="delivery/test_relay_killed.py::"
        "test_a_relay_stopped_past_the_loss_of_its_lanes_changes_nothing_when_continued",
        red=r"assert \{'item-",
    ),
    mutant(
        "relay-lane-lost",
        "the question whether the lane is still held, before the other holder is fenced",
        Edit(_LANE, "if not await self._still_held(self.number):", "if False:"),
        test="delivery/test_relay.py::test_a_lane_is_not_fenced_by_a_process_that_lost_it",
        red=r"DID NOT RAISE.*FencedError",
    ),
    mutant(
        "relay-receipt",
        "the receipt of a batch that was published but not deleted",
        Edit(_LANE, "if waiting and digest_of(waiting) == receipt.digest:", "if False:"),
        test="delivery/test_relay.py::"
        "test_a_batch_published_but_not_deleted_is_not_published_again",
        red=r"assert \{'item-",
    ),
    mutant(
        "relay-receipt-digest",
        "the digest in the receipt: rows with the same numbers are taken for the same rows",
        Edit(_LANE, "if waiting and digest_of(waiting) == receipt.digest:", "if waiting:"),
        test="delivery/test_relay.py::"
        "test_rows_that_only_share_numbers_with_the_last_receipt_are_published",
        red=r"assert \{'item-",
    ),
    mutant(
        "lane-of-a-key",
        "the lane: events of one key go out by any lane",
        Edit(
            "src/spojka/outbox.py",
            "return crc32(key.encode()) % LANES",
            "return os.urandom(1)[0] % LANES",
        ),
        test="delivery/test_relay.py::test_publishes_each_event_once_in_the_order_of_its_key",
        red=r"assert \{'item-",
    ),
    mutant(
        "inbox",
        "the inbox before a fact is handled",
        Edit("src/spojka/delivery/handling.py", "if run.route.kind is Kind.FACT:", "if False:"),
        test="delivery/test_consumer.py::test_a_fact_delivered_again_has_no_second_effect",
        red=r"assert 15 == 5",
    ),
    mutant(
        "inbox-memory",
        "the inbox's memory: what was handled before is handed in again",
        Edit(
            "src/spojka/delivery/inbox.py",
            "return [event for id_, event in by_id.items() if id_ in new]",
            "return list(by_id.values())",
        ),
        test="delivery/test_parts.py::test_the_inbox_knows_what_it_was_given_until_it_is_pruned",
        red=r"assert \[UUID\(",
    ),
    mutant(
        "offset-after-commit",
        "the wait for the transaction before the offset is stored",
        Edit(
            "src/spojka/delivery/handling.py",
            "finished: set[Place] = set()\n        try:",
            "finished: set[Place] = set()\n        done(messages[-1].offset())\n        try:",
        ),
        test="delivery/test_consumer.py::test_who_leaves_commits_only_what_is_finished",
        red=r"\d+ messages are finished, not 0",
    ),
    mutant(
        "seclusion",
        "the leave that a consumer takes which misses a broker that others reach",
        Edit(
            "src/spojka/delivery/consumer.py",
            "if missed and (await self._count_members() or 0) > 1:",
            "if False:",
        ),
        test="delivery/test_seclusion.py"
        "::test_a_member_that_misses_a_leader_leaves_its_partitions_to_the_others",
        red=r"40 messages are finished",
    ),
    mutant(
        "prepared-anew",
        "the forgetting of what a failed pipeline left unprepared",
        Edit(
            "src/spojka/database.py",
            "await connection.rollback()",
            'await connection.execute("ROLLBACK")',
        ),
        test="ground/test_prepared.py::test_what_a_failed_pipeline_skipped_is_prepared_again",
        red=r"prepared statement .* does not exist",
    ),
)
