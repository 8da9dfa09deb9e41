"""What services took of each other's topics against what was said with the revision they took.

A fact that is under way is no difference: a subject is compared with the word
of just the revision that its taker has handled. That a newer word was not
handled is a difference only where the group's offset is past it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from spojka.verification.hearing import Place
from spojka.verification.model import Checked, Difference, Taking, Verification, Word
from spojka.verification.snapshot import Snapshot

FOUND_MAX: Final = 100_000
"""Words and differences of one taking that are remembered; more than that is no matter of time."""


class Kept(NamedTuple):
    """What the taker keeps of a subject, and the revision that it took last."""

    revision: int
    word: Word


@dataclass(slots=True)
class TakingWork:
    """One taking on its way through verification.

    `taken` is what the taker keeps, after the first look of the subjects in
    `found` alone. `handled` are the group's offsets by partition, from before
    that was read. `words` has, by revision, what was heard and is not kept
    although it was handled; what is under way is passed over.
    """

    taking: Taking
    taken: dict[str, Kept] = field(default_factory=dict)
    handled: Mapping[int, int] = field(default_factory=dict)
    words: defaultdict[str, dict[int, tuple[Place, Word]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    found: dict[str, list[Difference]] = field(default_factory=dict)
    compared: Counter[str] = field(default_factory=Counter)

    def hear(self, place: Place, type_: str, key: str, value: bytes | None) -> None:
        """Take one event; one that can't be read is its teller's complaint."""
        try:
            told = self.taking.heard(type_, key, value)
        except ValueError:
            return
        if told is None or told[0] not in self.taken:
            return
        subject, revision, word = told
        kept = self.taken[subject]
        if revision == kept.revision:
            self.compared[f"{self.taking.what}, compared with {self.taking.topic.value}"] += 1
            differs = not self.agree(kept.word, word)
        else:
            passed = place.offset < self.handled.get(place.partition, 0)
            differs = revision > kept.revision and passed
        if differs and len(self.words) < FOUND_MAX:
            self.words[subject][revision] = (place, word)

    def agree(self, kept: Word, said: Word | None) -> bool:
        """Whether what is kept is what was said."""
        if said is not None and self.taking.passes_over(kept, said):
            return True
        return not any(self.taking.differing(kept, said))

    async def take(self, snapshot: Snapshot, tenants: Sequence[UUID]) -> None:
        """Read what the taker keeps: of every subject, or of those found to differ."""
        wanted = set(self.found) if self.taken else None
        self.taken = {}
        for tenant in tenants:
            await snapshot.enter(tenant)
            async for subject, revision, word in self.taking.taken(snapshot, tenant):
                if wanted is None or subject in wanted:
                    self.taken[subject] = Kept(revision, word)
        self.found = {}
        for subject, kept in self.taken.items():
            if not kept.revision:
                self._differ(subject, None, "nothing was ever said of it")

    def compare_with_topic(self) -> None:
        """Compare with what was heard."""
        topic = self.taking.topic.value
        for subject, words in self.words.items():
            kept = self.taken.get(subject)
            if kept is None:
                continue
            said = words.get(kept.revision)
            if said is not None:
                meaning = f"{topic} said something else with the revision that was taken"
                self._differ(subject, said[1], meaning)
            newest = max(words)
            place, word = words[newest]
            if newest > kept.revision and not self.taking.passes_over(kept.word, word):
                meaning = (
                    f"the group {self.taking.group} is past {place}, and what it says was not "
                    "taken: is it a dead letter, or was a backup restored?"
                )
                self._revision(subject, newest, meaning)

    async def compare_with_owner(
        self, owner: Verification, snapshot: Snapshot, tenants: Sequence[UUID]
    ) -> None:
        """Compare with what the owner would say now; its snapshot is later than the taker's."""
        unknown = {subject for subject, kept in self.taken.items() if kept.revision}
        for retelling in owner.retellings:
            if retelling.topic is not self.taking.topic:
                continue
            for tenant in tenants:
                await snapshot.enter(tenant)
                async for event in retelling.events(snapshot, tenant):
                    told = self.taking.heard(event.type, event.key, event.message)
                    if told is not None and told[0] in unknown:
                        self._compare_with_owner(owner.service, *told)
                        unknown.discard(told[0])
        for subject in sorted(unknown):
            self._revision(subject, 0, f"{owner.service} never told of it: was a backup restored?")

    def _compare_with_owner(self, service: str, subject: str, revision: int, word: Word) -> None:
        kept = self.taken[subject]
        if revision < kept.revision:
            meaning = f"{service} never told so much of it: was a backup restored?"
            self._revision(subject, revision, meaning)
        elif revision == kept.revision:
            self.compared[f"{self.taking.what}, compared with {service}"] += 1
            self._differ(subject, word, f"{service} says something else of the same revision")

    def _differ(self, subject: str, said: Word | None, meaning: str) -> None:
        kept = self.taken[subject].word
        if self.agree(kept, said):
            return
        for name, stored, rebuilt in self.taking.differing(kept, said):
            self._find(subject, name, stored, rebuilt, meaning)

    def _revision(self, subject: str, revision: int, meaning: str) -> None:
        stored = str(self.taken[subject].revision)
        self._find(subject, self.taking.revision_field, stored, str(revision), meaning)

    def _find(self, subject: str, name: str, stored: str, rebuilt: str, meaning: str) -> None:
        if subject not in self.found and len(self.found) >= FOUND_MAX:
            return
        found = self.found.setdefault(subject, [])
        if all(each.field != name for each in found):
            id_ = subject.partition("/")[2]
            found.append(Difference(self.taking.what, id_, name, stored, rebuilt, meaning))

    def findings(self) -> Iterator[tuple[UUID | None, Checked | Difference]]:
        """What was compared, and what does not agree, with its tenant."""
        for what, count in self.compared.items():
            yield None, Checked(what, count)
        for subject, differences in sorted(self.found.items()):
            for each in differences:
                yield UUID(subject.partition("/")[0]), each
