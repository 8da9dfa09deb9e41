"""Mails that ask to confirm the address: a mailbox's forwarding, or any mail with a code in it.

Nothing here is followed or answered: a code or link is shown to a person, who
knows whether they asked for it.
"""

import re
from typing import Final

from mail_ingest.banks.reading import Confirmation
from mail_ingest.message.html import LINK_CHARACTERS_MAX
from mail_ingest.message.mail import Message
from mail_ingest.message.text import Text, fold

# Whose forwarding requests are known, by the domain of their From.
_PROVIDERS: Final = {
    "google.com": "google",
    "zoho.com": "zoho",
    "zoho.eu": "zoho",
    "zohomail.com": "zoho",
}
_FROM = re.compile(r"(?:[^<>@]*<)?[^<>@\s]{1,64}@([A-Za-z0-9.-]{1,255})>?")
_WORD: Final = r"(?:\b(?:kod|code|cod)|over|potvr|confirm)"
_CODE: Final = r"([0-9](?:[ ]?[0-9]){3,9})(?![0-9])"
_SUBJECT_CODE = re.compile(r"\(#([0-9]{4,12})\)")
_CODE_BEHIND = re.compile(rf"{_WORD}[a-z]{{0,12}}[^\n0-9]{{0,40}}{_CODE}")
_CODE_BEFORE = re.compile(rf"(?<![0-9/.,-]){_CODE}[^\n0-9]{{0,30}}{_WORD}")
_ASKS = re.compile(_WORD)
_LINK = re.compile(rf"https://[^\s<>\"']{{3,{LINK_CHARACTERS_MAX}}}")


def forwarding_request(message: Message) -> Confirmation | None:
    """Read the request of a known mailbox provider; None for every other mail.

    The provider is who the mail says it is from: enough to show it, never to
    act on it. May raise MessageError.
    """
    sender = _FROM.fullmatch(message.header("From") or "")
    provider = _PROVIDERS.get(sender[1].lower()) if sender else None
    if provider is None:
        return None
    return _confirmation(message, provider)


def any_code(message: Message) -> Confirmation | None:
    """Find a code of 4 to 10 digits near a word such as "kód" or "confirm", whoever wrote it.

    For mails that are nothing else. May raise MessageError.
    """
    return _confirmation(message, None)


def _confirmation(message: Message, provider: str | None) -> Confirmation | None:
    in_subject = _SUBJECT_CODE.search(message.subject)
    code = in_subject[1] if in_subject else _code(fold(message.subject))
    link = None
    for text in message.texts():
        code = code or _code(text.folded)
        link = link or _link(text)
    if code is None and provider is None:
        return None
    link = link or next(
        (target for target, shown in message.links() if _ASKS.search(fold(f"{shown} {target}"))),
        None,
    )
    return Confirmation(provider, code, link) if code or link else None


def _code(folded: str) -> str | None:
    match = _CODE_BEHIND.search(folded) or _CODE_BEFORE.search(folded)
    return match[1].replace(" ", "") if match else None


def _link(text: Text) -> str | None:
    """Return the first link behind a word of confirming."""
    asks = _ASKS.search(text.folded)
    match = _LINK.search(text.original, asks.end()) if asks else None
    return match[0] if match else None
