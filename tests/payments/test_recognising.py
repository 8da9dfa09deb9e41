"""A movement is recognised among a few as it would be among all."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from payments.ledger.recognising import KnownMovements, Movement, Relation, relation

MOVEMENTS = st.builds(
    Movement,
    id=st.uuids(),
    own_account=st.sampled_from(["a", "b"]),
    incoming=st.booleans(),
    amount=st.sampled_from([Decimal(1), Decimal(2)]),
    currency=st.just("CZK"),
    reference=st.sampled_from(["", "1", "2"]),
    likeness=st.sampled_from([b"x", b"y"]),
    balance=st.sampled_from(["", "10", "20"]),
)


@given(MOVEMENTS, st.lists(MOVEMENTS, max_size=8, unique_by=lambda each: each.id))
def test_none_that_is_related_is_overlooked(new: Movement, known: list[Movement]) -> None:
    near = KnownMovements(known).near(new)
    related = [each for each in known if relation(new, each) is not Relation.DIFFERENT]
    assert {each.id for each in related} <= {each.id for each in near}
    assert len(near) == len({each.id for each in near})
