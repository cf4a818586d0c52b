"""What every importer makes of its schema: the record, with the remarks on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watermaster.contract.draft import FieldDraft, RuleDraft
from watermaster.contract.importing.remark import Remark

FIELDS_MAX: Final = 5_000
"""As many as a contract that is read by people can have; what is beyond is left open."""
LEVELS_MAX: Final = 50
"""Of the contract's document, which may nest 64 levels deep; an object in an object costs two."""
TOO_DEEP: Final = f"it lies deeper than a contract nests, or behind {FIELDS_MAX:,} fields, and is left open"


@dataclass(frozen=True, slots=True)
class RecordDraft:
    """The value of a record, in the words of a draft. `notes` stand at the top of the document."""

    fields: tuple[FieldDraft, ...]
    remarks: tuple[Remark, ...]
    rules: tuple[RuleDraft, ...] = ()
    unknown_fields_held: bool = False
    description: str = ""
    notes: tuple[str, ...] = ()
