"""Banks' mails: only what a bank proves pays, only for the own account, and none is lost."""

from typing import Final

from proof.mutants.mutant import Edit, Mutant, mutant

_PROOF: Final = "src/mail_ingest/genuineness/proof.py"
_SIGNATURE: Final = "src/mail_ingest/genuineness/signature.py"
_VERDICT: Final = "src/mail_ingest/genuineness/verdict.py"
_DIRECT: Final = "mail_ingest/test_judging.py::test_every_part_of_the_direct_proof_is_needed"
_TRUSTED: Final = r"assert \('trusted', 'match'\) == "

MUTANTS: Final[tuple[Mutant, ...]] = (
    mutant(
        "spf-alignment",
        "alignment at its root, for SPF and DMARC alike: any domain's SPF proves the bank",
        Edit(
            "src/mail_ingest/genuineness/addresses.py",
            "    if domain == other:\n        return True\n    return not strict",
            "    return True\n    return not strict",
        ),
        test="mail_ingest/genuineness/test_delivery.py::"
        "test_spf_of_the_attacker_s_own_domain_proves_nothing",
        red=_TRUSTED,
    ),
    mutant(
        "spf-aligned-flag",
        "the gathered word that the envelope belongs to From",
        Edit(_PROOF, "        and evidence.spf_aligned\n", ""),
        test=f"{_DIRECT}[change0]",
        red=_TRUSTED,
    ),
    mutant(
        "spf-aligned-domains",
        "the comparison of the envelope's domain with From's",
        Edit(
            _PROOF,
            "        and aligned(evidence.spf_domain, sender.domain)\n    )\n\n\ndef _best",
            "    )\n\n\ndef _best",
        ),
        test=f"{_DIRECT}[change1]",
        red=_TRUSTED,
    ),
    mutant(
        "dmarc-fail",
        "the refusal of what fails DMARC",
        Edit(
            _PROOF,
            "    if evidence.dmarc is DmarcResult.FAIL:\n        return _vouched",
            "    if False:\n        return _vouched",
        ),
        Edit(
            _PROOF,
            "if proven and evidence.dmarc in {DmarcResult.PASS, DmarcResult.NONE}:",
            "if proven:",
        ),
        test=f"{_DIRECT}[change7]",
        red=_TRUSTED,
        behind="the short list of results of DMARC under which a proof counts",
    ),
    mutant(
        "dkim-length-appended",
        "the refusal of a mail that has more than its signature covers (l=)",
        Edit(_VERDICT, "if appended_to is not None or appended:", "if False:"),
        test="mail_ingest/genuineness/test_signatures.py::"
        "test_a_body_longer_than_the_length_is_rejected_even_from_the_bank",
        red=_TRUSTED,
    ),
    mutant(
        "dkim-length",
        "the rule that a signature with a length (l=) is weak whatever it covers",
        Edit(_SIGNATURE, "if signature.length is not None:", "if False:"),
        test="mail_ingest/genuineness/test_signatures.py::"
        "test_a_length_is_weak_even_when_it_covers_the_whole_body",
        red=_TRUSTED,
    ),
    mutant(
        "dkim-critical-headers",
        "the rule that a signature covers every header that decides what is read",
        Edit(
            _SIGNATURE,
            "        if counts[name.lower()] and name.lower() not in signature.signed\n",
            "        if False\n",
        ),
        test="mail_ingest/genuineness/test_signatures.py::test_an_unsigned_critical_header_is_weak",
        red=_TRUSTED,
    ),
    mutant(
        "own-account",
        "the check that a mail is about the connection's own account",
        Edit(_VERDICT, "if compared is Comparison.FOREIGN:", "if False:"),
        Edit(_VERDICT, "if compared is not Comparison.OWN:", "if False:"),
        test="mail_ingest/test_judging.py::"
        "test_somebody_else_s_account_is_rejected_however_genuine",
        red=_TRUSTED,
        behind="the rule that an uncertain account waits for a person",
    ),
    mutant(
        "stored-before-250",
        "the wait for the commit before the bank is told 250",
        Edit(
            "src/mail_ingest/smtp/handler.py",
            "outcome = await self.arrivals.store(arrival)",
            "outcome = (asyncio.ensure_future(self.arrivals.store(arrival)), Outcome.STORED)[1]",
        ),
        test="mail_ingest/smtp/test_storage_failures.py::"
        "test_a_statement_that_takes_too_long_is_451_and_the_retry_is_taken",
        red=r"250 2\.0\.0 OK",
    ),
    mutant(
        "mail-claim",
        "the number of a taking, by which a late worker's judgement does not count",
        Edit(
            "src/mail_ingest/mails/queue.py",
            "done.mail_id AND mail_queue.claims = done.claims",
            "done.mail_id AND done.claims > 0",
        ),
        test="mail_ingest/mails/test_queue.py::"
        "test_a_late_worker_does_not_finish_what_another_has_taken",
        red=r"== set\(\)",
    ),
    mutant(
        "mail-alone",
        "the turns of mails of which nothing came before: they are judged beside one another",
        Edit(
            "src/mail_ingest/mails/worker.py",
            "        async with self._alone:\n",
            "        async with asyncio.Lock():\n",
        ),
        test="mail_ingest/mails/test_worker.py::"
        "test_mails_taken_with_one_that_ends_the_process_are_not_blamed",
        red=r"== \{2\}",
    ),
    mutant(
        "mail-read-again",
        "the memory of the movements that a mail told of before it was read again",
        Edit(
            "src/mail_ingest/mails/notifying.py",
            "        if known[likeness]:\n",
            "        if False:\n",
        ),
        test="mail_ingest/mails/test_notifying.py::test_a_reading_again_tells_nothing_twice",
        red=r"assert \[\(Told\(",
    ),
)
