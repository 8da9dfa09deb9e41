"""The mServer's handling of one pack: from the parsed body to the text of the answer."""

from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from sandbox.pohoda import (
    movement_list,
    order_delete,
    order_import,
    order_list,
    packs,
    stock_list,
    store_list,
)
from sandbox.pohoda.context import Agenda, Context
from sandbox.pohoda.markup import NAMESPACES
from sandbox.pohoda.model import Company
from sandbox.pohoda.packs import Detail, EnvelopeError, ItemAnswer, Kind, Pack, PackItem
from sandbox.pohoda.reading import BadElementError
from sandbox.pohoda.schemas import Findings, Schemas
from sandbox.pohoda.settings import Account, Settings

_AGENDAS: dict[Kind, Agenda] = {
    Kind.STOCK_LIST: stock_list.answer,
    Kind.ORDER_LIST: order_list.answer,
    Kind.MOVEMENT_LIST: movement_list.answer,
    Kind.IMPORT: order_import.answer,
    Kind.DELETE: order_delete.answer,
}
_STORAGE_TREE = f"{{{NAMESPACES['lst']}}}listStorageRequest"
NO_IMPORT_RIGHT = "Uživatel není oprávněn importovat XML soubory."
LOCKED = "Záznam je právě upravován jiným uživatelem."


class Outcome(StrEnum):
    """What became of a request, for the journal."""

    OK = "ok"
    ITEM_ERROR = "item error"
    PACK_ERROR = "pack error"
    BAD_REQUEST = "bad request"
    REFUSED = "refused"
    NOT_PROCESSED = "not processed"


@dataclass(frozen=True, slots=True)
class Disturbance:
    """The faults that act inside the processing, for items of these kinds."""

    locked: frozenset[Kind] = frozenset()
    reservation_refused: bool = False
    import_right_missing: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of an answer and what to remember of it."""

    text: str
    outcome: Outcome


class MServer:
    """Answers packs about one company."""

    def __init__(self, company: Company, settings: Settings, schemas: Schemas | None) -> None:
        self.company = company
        self.settings = settings
        self._schemas = schemas

    def pack_error(self, note: str) -> Answer:
        """Refuse a whole pack. Its id is not repeated, as real installations do not."""
        return Answer(packs.write(self._unit, "", note, "", is_ok=False), Outcome.PACK_ERROR)

    def answer(
        self,
        document: etree._Element,
        pack: Pack | EnvelopeError,
        account: Account,
        disturbance: Disturbance,
        *,
        checks_duplicity: bool,
    ) -> Answer:
        """Process the items one by one, where nothing speaks against the pack as a whole."""
        findings = self._schemas.judge(document) if self._schemas else Findings()
        if isinstance(pack, EnvelopeError):
            return self.pack_error(str(pack))
        problem = self._problem(pack, account, disturbance) or findings.envelope
        if problem:
            return self.pack_error(problem)
        context = Context(
            company=self.company,
            settings=self.settings,
            pack_id=pack.id,
            checks_duplicity=checks_duplicity,
            refuses_reservation=disturbance.reservation_refused,
        )
        answers = [
            self._answer_item(context, item, findings.items.get(item.position), disturbance)
            for item in pack.items
        ]
        content = "".join(
            answer.write(item.id) for item, answer in zip(pack.items, answers, strict=True)
        )
        outcome = Outcome.OK if all(answer.is_ok for answer in answers) else Outcome.ITEM_ERROR
        return Answer(packs.write(self._unit, pack.id, pack.note, content, is_ok=True), outcome)

    @property
    def _unit(self) -> packs.Unit:
        return packs.Unit(self.settings.program_version, self.settings.ico, self.settings.key)

    def _problem(self, pack: Pack, account: Account, disturbance: Disturbance) -> str | None:
        """What forbids the whole pack: another company, another year, a missing right."""
        if pack.ico and pack.ico != self.settings.ico:
            return f"IČO {pack.ico} nesouhlasí s IČO účetní jednotky {self.settings.ico}."
        if not pack.ico and pack.key and pack.key != self.settings.key:
            return "Klíč účetní jednotky nesouhlasí."
        if pack.period == "following":
            return "Uživatel má nastaveno jiné účetní období."
        needs_import_right = any(kind.writes for kind in pack.kinds)
        if disturbance.import_right_missing or (
            not account.may_import and (needs_import_right or not self.settings.readers_may_list)
        ):
            return NO_IMPORT_RIGHT
        return None

    def _answer_item(
        self, context: Context, item: PackItem, invalid: str | None, disturbance: Disturbance
    ) -> ItemAnswer:
        if invalid is not None:
            return ItemAnswer(is_ok=False, note=f"Neplatné XML: {invalid}")
        if item.kind in disturbance.locked:
            if item.kind.writes:
                return order_delete.failed(Detail(LOCKED))
            return ItemAnswer(is_ok=False, note=LOCKED)
        agenda = _agenda(item)
        if agenda is None:
            return ItemAnswer(is_ok=False, note="Tuto agendu sandbox nevede.")
        try:
            return agenda(context, item)
        except BadElementError as error:
            note = f"Neplatné XML: {item.xpath}/{error.path}: {error} ({error.value})"
            return ItemAnswer(is_ok=False, note=note)


def _agenda(item: PackItem) -> Agenda | None:
    if item.kind is Kind.STORE_LIST:
        is_tree = item.agenda.tag == _STORAGE_TREE
        return store_list.answer_tree if is_tree else store_list.answer_stores
    return _AGENDAS.get(item.kind)
