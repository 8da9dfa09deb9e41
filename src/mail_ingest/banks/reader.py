"""From a mail to its reading: the one entry for everybody else."""

from operator import itemgetter

from mail_ingest.banks.confirmations import any_code, forwarding_request
from mail_ingest.banks.reading import Kind, Reading, ReadingContext
from mail_ingest.banks.registry import TEMPLATES
from mail_ingest.banks.template import Template
from mail_ingest.banks.unknown import read_by_labels
from mail_ingest.message.headers import MessageError
from mail_ingest.message.mail import Message, open_message


def read_mail(raw: bytes, context: ReadingContext) -> Reading:
    """Read a mail's bytes. Raises nothing: what can't be read is a reading that says so."""
    try:
        message = open_message(raw)
    except MessageError as error:
        return _unreadable(f"the mail can't be read: {error}")
    return read_message(message, context)


def read_message(message: Message, context: ReadingContext) -> Reading:
    """Read an opened mail, by the first that knows it. Raises nothing.

    A mailbox's forwarding request, then the banks' templates, then the labels
    of banks we don't know, then any mail with a code to confirm.
    """
    try:
        return _read(message, context)
    except MessageError as error:
        return _unreadable(f"the mail can't be read: {error}")


def _read(message: Message, context: ReadingContext) -> Reading:
    if message.encryption is not None:
        return _unreadable(f"the mail is encrypted ({message.encryption})")
    if request := forwarding_request(message):
        return Reading(kind=Kind.ADDRESS_VERIFICATION, confirmation=request)
    if template := _template(message):
        return template.read(message, context)
    if reading := read_by_labels(message, context):
        return reading
    if message.archives:
        names = ", ".join(message.archives)
        return _unreadable(f"what the mail tells is in an archive, which is not opened: {names}")
    if code := any_code(message):
        return Reading(kind=Kind.ADDRESS_VERIFICATION, confirmation=code)
    return Reading(kind=Kind.UNKNOWN, findings=("no template knows this mail",))


def _template(message: Message) -> Template | None:
    """Choose the template whose first words come first; no other is asked then."""
    found = ((template.anchor(message), template) for template in TEMPLATES)
    anchored = [(anchor, template) for anchor, template in found if anchor is not None]
    return min(anchored, key=itemgetter(0))[1] if anchored else None


def _unreadable(finding: str) -> Reading:
    return Reading(kind=Kind.UNREADABLE, findings=(finding,))
