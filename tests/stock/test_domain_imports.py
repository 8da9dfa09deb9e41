"""The next step of an import, and when a document may be deleted."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock.domain.imports import (
    LONGEST_RETRY,
    ImportState,
    Situation,
    Step,
    external_id,
    may_delete,
    next_step,
    retry_delay,
)
from stock.warehouses.port import Document, DocumentLine

situations = st.builds(
    Situation,
    st.sampled_from(ImportState),
    st.integers(1, 4),
    st.integers(0, 4),
    cancelled=st.booleans(),
    automatic=st.booleans(),
    resolved=st.booleans(),
)


@given(situations)
def test_a_step_is_taken_only_from_where_it_is_safe(situation: Situation) -> None:
    step = next_step(situation)
    # What may stand is looked up before anything else, and by nothing else.
    on_its_way = situation.state in {ImportState.SENT, ImportState.UNKNOWN}
    assert (step is Step.LOOK_UP) is on_its_way
    if step is Step.CREATE:
        assert situation.state is ImportState.LOCAL
        assert situation.automatic
        assert not situation.cancelled
    if step is Step.READ_BEFORE_DELETE:
        assert situation.state is ImportState.ACKED
        newer = situation.content_revision > situation.document_revision
        assert situation.cancelled or (newer and situation.resolved)
    if situation.state in {ImportState.BLOCKED, ImportState.WITHDRAWN}:
        assert step is Step.NONE


def test_a_document_is_not_given_up_for_a_content_that_cant_be_sent() -> None:
    outdated = Situation(ImportState.ACKED, 2, 1, cancelled=False, automatic=True)
    assert next_step(outdated) is Step.READ_BEFORE_DELETE
    blocked = Situation(ImportState.ACKED, 2, 1, cancelled=False, automatic=True, resolved=False)
    assert next_step(blocked) is Step.NONE


@pytest.mark.parametrize(
    ("executed", "linked", "delivered", "allowed"),
    [
        (False, False, 0, True),
        (True, False, 0, False),
        (False, True, 0, False),
        (False, False, 1, False),
    ],
)
def test_only_a_document_of_which_nothing_was_done_is_deleted(
    delivered: int, *, executed: bool, linked: bool, allowed: bool
) -> None:
    line = DocumentLine("A", "MAIN", Decimal(2), Decimal(delivered))
    document = Document("D1", "1", "x", True, executed, False, linked, (line,))  # noqa: FBT003
    reason = may_delete(document)
    assert (reason is None) is allowed


@given(st.integers(0, 100_000))
def test_waiting_doubles_up_to_its_ceiling(attempts: int) -> None:
    first, second = retry_delay(attempts), retry_delay(attempts + 1)
    assert timedelta(0) < first <= second <= LONGEST_RETRY
    assert second in {2 * first, LONGEST_RETRY}


@given(st.lists(st.integers(1, 50), unique=True, min_size=2))
def test_each_revision_has_a_document_id_of_its_own(revisions: list[int]) -> None:
    ids = sorted(external_id("order", revision) for revision in revisions)
    assert all(one != other for one, other in pairwise(ids))
