"""All templates. A new bank is its module, a line here, and its samples."""

from typing import Final

from mail_ingest.banks import csob_cz, fio_cz, tatra_sk
from mail_ingest.banks.template import Template

TEMPLATES: Final[tuple[Template, ...]] = (
    *csob_cz.TEMPLATES,
    *fio_cz.TEMPLATES,
    *tatra_sk.TEMPLATES,
)
