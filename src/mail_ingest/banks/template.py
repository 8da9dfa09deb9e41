"""The port of a bank: what a template is."""

from typing import Protocol

from mail_ingest.banks.reading import Reading, ReadingContext
from mail_ingest.message.mail import Anchor, Message


class Template(Protocol):
    """One form of one bank's mails. A template holds no state and touches nothing outside.

    A template takes each field from its own place. What the payer typed stands
    in known places and is never searched for fields; what is left over in a
    field block, or stands in it twice, becomes a finding.
    """

    @property
    def name(self) -> str:
        """Bank, form and version: "fio_cz.prose.1". A changed form is a new version beside it."""
        ...

    @property
    def bank(self) -> str:
        """The bank's id, such as "fio_cz"."""
        ...

    def anchor(self, message: Message) -> Anchor | None:
        """Find the form's first words in the mail; None where it has not this form.

        Of several templates the one whose words come first reads the mail: what
        the payer typed stands behind them. Whose mail it is, is not judged here.
        May raise MessageError.
        """
        ...

    def read(self, message: Message, context: ReadingContext) -> Reading:
        """Read a mail of this form. May raise MessageError; doubts become findings."""
        ...
