"""SPF (RFC 7208) of the address that delivered the mail, by pyspf over our resolver.

pyspf asks DNS wherever it needs to, and waits. Here it never waits: it runs on
the answers known so far; the first one missing ends the run, is looked up, and
the run begins anew. So no thread hangs on a slow server.
"""

import re
import warnings
from ipaddress import ip_address
from typing import Any, Final

from mail_ingest.genuineness.resolver import MailServer, Record, RecordKind, Resolver
from mail_ingest.genuineness.resolver import TemporaryFailure as NoAnswer
from mail_ingest.genuineness.results import SpfCheck, SpfResult

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its docstrings hold escapes that Python warns of
    import spf  # type: ignore[import-untyped]

LOOKUPS_MAX: Final = 40
SENDER_LENGTH_MAX: Final = 320
RECORD_LENGTH_MAX: Final = 4_096
REASON_LENGTH_MAX: Final = 300
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")


async def check_spf(client_ip: str, helo: str, sender: str, resolver: Resolver) -> SpfCheck:
    """Check the envelope sender's domain; of a mail without one, the HELO name."""
    local, _, behind = sender.rpartition("@")
    domain = (behind if sender else helo).strip().rstrip(".").lower()
    try:
        ip_address(client_ip)
    except ValueError:
        return SpfCheck(SpfResult.NONE, domain, "the delivering address is not known")
    if not domain or len(sender) > SENDER_LENGTH_MAX or len(domain) > SENDER_LENGTH_MAX:
        return SpfCheck(SpfResult.NONE, domain, "the envelope names no domain")
    # pyspf parts an address at its first "@", we at the last: it gets one that has no other.
    plain = f"{local if _LOCAL_PART.fullmatch(local) else 'postmaster'}@{domain}"
    answers: dict[_Question, _Answer] = {}
    for _ in range(LOOKUPS_MAX):
        try:
            return _evaluate(client_ip, helo, plain, domain, answers)
        except _NeedsAnswer as need:
            name, kind = need.question
            try:
                answers[need.question] = await resolver.lookup(name, kind)
            except NoAnswer as failure:
                answers[need.question] = str(failure)
    return SpfCheck(SpfResult.PERMERROR, domain, f"it needs more than {LOOKUPS_MAX} look-ups")


_Question = tuple[str, RecordKind]
_Answer = tuple[Record, ...] | str
"""The records, or why there was no answer."""


class _NeedsAnswer(Exception):
    """The run can't go on without this answer."""

    def __init__(self, question: _Question) -> None:
        super().__init__(question)
        self.question = question


class _Query(spf.query):  # type: ignore[misc]  # a class without types
    """pyspf's evaluation, fed with answers instead of asking itself."""

    def __init__(
        self, client_ip: str, sender: str, helo: str, known: dict[_Question, _Answer]
    ) -> None:
        super().__init__(i=client_ip, s=sender, h=helo, strict=True)
        self._known = known

    def dns(
        self,
        name: str,
        qtype: str,
        cnames: object = None,  # noqa: ARG002 - pyspf's signature; the resolver follows CNAMEs
        ignore_void: bool = False,
    ) -> list[Any]:
        """Return what pyspf's own method returns, and keep its limit on void look-ups."""
        question = (str(name).rstrip(".").lower(), RecordKind(qtype))
        answer = self._known.get(question)
        if answer is None:
            raise _NeedsAnswer(question)
        if isinstance(answer, str):
            raise spf.TempError(answer)
        if not answer and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError(f"more than {spf.MAX_VOID_LOOKUPS} look-ups found nothing")
        return [_pyspf_value(record) for record in answer]

    def get_explanation(self, spec: str) -> None:  # noqa: ARG002 - the sender's words are not wanted
        """Give no explanation: it is text of the domain's owner and decides nothing."""
        return


def _evaluate(
    client_ip: str, helo: str, sender: str, domain: str, answers: dict[_Question, _Answer]
) -> SpfCheck:
    try:
        query = _Query(client_ip, sender, helo, answers)
        result, _code, explanation = query.check()
    except _NeedsAnswer:
        raise
    except Exception as error:  # noqa: BLE001 - a record that trips pyspf is a broken record
        return SpfCheck(
            SpfResult.PERMERROR, domain, f"the record is broken: {error}"[:REASON_LENGTH_MAX]
        )
    known = set(SpfResult)
    return SpfCheck(
        SpfResult(result) if result in known else SpfResult.PERMERROR,
        domain,
        str(explanation)[:REASON_LENGTH_MAX],
    )


def _pyspf_value(record: Record) -> object:
    if isinstance(record, bytes):
        return (record[:RECORD_LENGTH_MAX],) if len(record) <= RECORD_LENGTH_MAX else (b"",)
    if isinstance(record, MailServer):
        return (record.preference, record.host)
    return record
