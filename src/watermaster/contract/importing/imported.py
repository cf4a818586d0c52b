"""What comes of an import."""

from __future__ import annotations

from dataclasses import dataclass

from watermaster.contract.draft import ContractDraft
from watermaster.contract.importing.remark import Remark
from watermaster.contract.problem import Problem, ProblemCode


@dataclass(frozen=True, slots=True)
class Imported:
    """The contract, as a draft and as its document, with all that it says otherwise than the schema."""

    draft: ContractDraft
    text: str
    remarks: tuple[Remark, ...]


class Unimportable(Exception):
    """Ends an import; never leaves this folder."""

    def __init__(self, code: ProblemCode, message: str, hint: str, path: str = "#") -> None:
        super().__init__(message)
        self.problem = Problem(code, message, hint, path=path)
