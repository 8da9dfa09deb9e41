"""Every method of every public service, attacked with the keys and the ids of others.

The attacks are made from the contracts: a new method is attacked without a
change here, and one with an id that nobody knows how to fill fails.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from gateway.gatekeeper import least_scope
from sandbox.demo import accounts
from spojka.api.accounts.v1 import accounts_service_pb2
from spojka.api.accounts.v1.accounts_service_pb2_grpc import ApiKeyServiceStub
from spojka.api.common.v1 import rules_pb2
from spojka.identity import Scope
from tests.gateway.echo import fill
from tests.security.attacks import (
    Leaf,
    foreign_requests,
    leaves,
    own_request,
    token_requests,
)
from tests.security.harvest import Harvest, harvested
from tests.security.house import House
from tests.security.merchant import Merchant
from tests.security.rows import rows_of
from tests.security.wire import METHODS, Outcome, bearing, call, request_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_ONCE: Final = 8
REFUSALS: Final = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED})
SOUND: Final = REFUSALS | {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ABORTED,
}
"""How an attack may end, as long as nothing of the victim comes with it."""
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Loot:
    """What both merchants know of themselves, and what is the victim's alone."""

    victim: Harvest
    attacker: Harvest
    marks: tuple[str, str]

    @property
    def victims_own(self) -> list[bytes]:
        """Texts that show that something of the victim was seen."""
        unique = self.victim.unique - self.attacker.unique
        return [self.marks[0].encode(), *(text.encode() for text in unique)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def loot(victim: Merchant, attacker: Merchant) -> Loot:
    return Loot(
        await harvested(victim.operator.channel, victim.operator.key),
        await harvested(attacker.operator.channel, attacker.operator.key),
        (victim.mark, attacker.mark),
    )


async def outcomes(
    channel: grpc.aio.Channel,
    attacks: Iterable[tuple[MethodDescriptor, Message]],
    metadata: Metadata,
) -> AsyncIterator[tuple[MethodDescriptor, Message, Outcome]]:
    """Make the attacks, some at once, and say how each ended."""
    waiting = iter(attacks)
    while batch := list(islice(waiting, AT_ONCE)):
        calls = (call(channel, method, request, metadata) for method, request in batch)
        for (method, request), outcome in zip(batch, await asyncio.gather(*calls), strict=True):
            yield method, request, outcome


def all_attacks(loot: Loot) -> Iterator[tuple[MethodDescriptor, Message]]:
    for method in METHODS:
        for requests in (foreign_requests, token_requests):
            for request in requests(method, loot.attacker, loot.victim, loot.marks):
                yield method, request


def brief_attacks(loot: Loot) -> Iterator[tuple[MethodDescriptor, Message]]:
    """One for each place: all keys go the same way once they are admitted."""
    for method in METHODS:
        for leaf in leaves(method):
            for value in loot.victim.of(leaf.kind)[:1]:
                request = own_request(method, loot.attacker, loot.marks)
                leaf.put(request, value)
                yield method, request


def complaints(
    loot: Loot, method: MethodDescriptor, request: Message, outcome: Outcome
) -> Iterator[str]:
    """Say what an attack got that it must not get."""
    said = request.SerializeToString()
    seen = outcome.seen
    told = [text for text in loot.victims_own if text in seen and text not in said]
    if told and least_scope(method) is not Scope.ADMIN:
        yield f"{method.full_name} told {told[:3]} to {request}"
    if outcome.code not in SOUND:
        yield f"{method.full_name} ended with {outcome.code}: {outcome.told!r} for {request}"


def names_its_subject(leaf: Leaf) -> bool:
    """Whether the request is about the one thing that it names here."""
    rules = leaf.field.GetOptions().Extensions[rules_pb2.rules]
    return len(leaf.path) == 1 and leaf.is_uuid and rules.required


async def test_no_method_shows_or_changes_what_is_another_merchants(
    house: House, victim: Merchant, attacker: Merchant, loot: Loot
) -> None:
    before = await asyncio.to_thread(rows_of, house.database_url, victim.tenant_id)
    empty = [name for name in ("stock.item", "payments.payment", "orders.task") if not before[name]]
    assert not empty
    wrong: list[str] = []
    operator = bearing(attacker.operator.key)
    acting = bearing(house.admin.key, spojka_tenant=attacker.name)
    one_channel = bearing(attacker.shop_keys["shop"])
    for attacks, metadata in (
        (all_attacks(loot), operator),
        (brief_attacks(loot), acting),
        (brief_attacks(loot), one_channel),
    ):
        async for method, request, outcome in outcomes(house.admin.channel, attacks, metadata):
            wrong += complaints(loot, method, request, outcome)
    assert not wrong
    assert await asyncio.to_thread(rows_of, house.database_url, victim.tenant_id) == before


async def test_whoever_names_anothers_thing_is_told_that_there_is_none(
    house: House, attacker: Merchant, loot: Loot
) -> None:
    def attacks() -> Iterator[tuple[MethodDescriptor, Message]]:
        for method in METHODS:
            for leaf in filter(names_its_subject, leaves(method)):
                assert loot.victim.of(leaf.kind), f"no {leaf.kind} for {method.full_name}"
                request = own_request(method, loot.attacker, loot.marks)
                leaf.put(request, loot.victim.of(leaf.kind)[0])
                yield method, request

    named = set()
    async for method, _, outcome in outcomes(
        house.admin.channel, attacks(), bearing(attacker.operator.key)
    ):
        # A list of what belongs to something else is empty, or there is no such thing.
        is_empty = method.name.startswith("List") and not any(
            list_field for answer in outcome.answers for list_field in answer.ListFields()
        )
        assert is_empty or outcome.code is grpc.StatusCode.NOT_FOUND, method.full_name
        named.add(method.name)
    assert {"GetConnection", "MatchPayment", "RevokeApiKey", "GetMail", "CancelOrder"} <= named


async def test_anothers_request_id_gives_an_answer_of_ones_own(
    house: House, victim: Merchant, attacker: Merchant, loot: Loot
) -> None:
    request_id = str(uuid4())
    repeated = 0
    for method in METHODS:
        if "request_id" not in method.input_type.fields_by_name:
            continue
        request = own_request(method, loot.attacker, loot.marks)
        request.request_id = request_id
        first = await call(house.admin.channel, method, request, bearing(victim.operator.key))
        second = await call(house.admin.channel, method, request, bearing(attacker.operator.key))
        again = await call(house.admin.channel, method, request, bearing(attacker.operator.key))
        if first.code is grpc.StatusCode.OK is second.code:
            assert first.answers != second.answers == again.answers, method.full_name
            repeated += 1
    assert repeated


async def test_a_channels_key_does_not_reach_another_channel(
    house: House, victim: Merchant, loot: Loot
) -> None:
    order = victim.orders["market-6"]
    foreign = {"order": order.id, "channel": "market", "channel_order": order.channel_order_id}

    def attacks() -> Iterator[tuple[MethodDescriptor, Message]]:
        for method in METHODS:
            places = [leaf for leaf in leaves(method) if leaf.kind in foreign]
            if places and least_scope(method) is Scope.CHANNEL:
                for base in (
                    own_request(method, loot.victim, loot.marks),
                    fill(request_of(method)),
                ):
                    for leaf in places:
                        leaf.put(base, foreign[leaf.kind])
                        yield method, base

    def rows() -> dict[str, list[str]]:
        found = rows_of(house.database_url, victim.tenant_id)
        return {name: [row for row in some if "market" in row] for name, some in found.items()}

    before, wrong, attacked = rows(), [], 0
    key = bearing(victim.shop_keys["shop"])
    async for method, request, outcome in outcomes(house.admin.channel, attacks(), key):
        attacked += 1
        if b"market note" in outcome.seen or outcome.code not in SOUND:
            wrong.append(f"{method.full_name} {outcome.code} for {request}")
    assert attacked > len(foreign)
    assert not wrong
    assert rows() == before


async def test_without_a_living_key_no_method_answers(
    house: House, attacker: Merchant, loot: Loot
) -> None:
    revoked = await _revoked_key(attacker)
    requests = [(each, own_request(each, loot.attacker, loot.marks)) for each in METHODS]
    for metadata in ((), bearing("spk_nonsense"), bearing(revoked)):
        async for method, _, outcome in outcomes(house.admin.channel, requests, metadata):
            assert outcome.code is grpc.StatusCode.UNAUTHENTICATED, method.full_name


async def test_a_channels_key_calls_nothing_that_is_an_operators(
    house: House, attacker: Merchant, loot: Loot
) -> None:
    key = bearing(attacker.shop_keys["shop"])
    requests = [
        (each, own_request(each, loot.attacker, loot.marks))
        for each in METHODS
        if least_scope(each) is not Scope.CHANNEL
    ]
    async for method, _, outcome in outcomes(house.admin.channel, requests, key):
        assert outcome.code is grpc.StatusCode.PERMISSION_DENIED, method.full_name


async def test_no_internal_port_answers_without_the_houses_credential(
    house: House, victim: Merchant, loot: Loot
) -> None:
    claimed = (("spojka-tenant", victim.tenant_id), ("spojka-scope", "3"), ("spojka-actor", "edge"))
    inside = [each for each in house.installation.instances if not each.is_edge]
    assert len(inside) == 4
    answered = 0
    for instance in inside:
        async with grpc.aio.insecure_channel(instance.grpc_address) as channel:
            for token in ("", "Bearer ", "Bearer wrong", f"Bearer {house.admin.key}"):
                requests = [(each, own_request(each, loot.victim, loot.marks)) for each in METHODS]
                metadata = (("authorization", token), *claimed)
                async for method, _, outcome in outcomes(channel, requests, metadata):
                    served_here = outcome.code is not grpc.StatusCode.UNIMPLEMENTED
                    answered += served_here
                    refused = outcome.code is grpc.StatusCode.UNAUTHENTICATED
                    assert refused or not served_here, (instance.name, method.full_name)
    own = sum(
        len(each.methods) for each in accounts_service_pb2.DESCRIPTOR.services_by_name.values()
    )
    assert answered == 4 * (len(METHODS) - own)


async def _revoked_key(merchant: Merchant) -> str:
    key = await accounts.channel_key(merchant.operator, "shop")
    listed = await merchant.call(
        ApiKeyServiceStub, "ListApiKeys", accounts_service_pb2.ListApiKeysRequest()
    )
    revoke = accounts_service_pb2.RevokeApiKeyRequest(id=listed.api_keys[0].id)
    await merchant.call(ApiKeyServiceStub, "RevokeApiKey", revoke)
    return key
