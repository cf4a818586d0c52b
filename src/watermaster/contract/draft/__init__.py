"""Contracts that are written by us: the draft as a value, and its text as ODCS YAML with comments.

Whoever makes contracts (inference, imports of JSON Schema and Avro) makes a `ContractDraft`; `text.draft_text` writes
it. Everything that comes from outside is quoted there, so that no name or value can become structure.
"""

from watermaster.contract.draft.value import ContractDraft, DraftOption, DraftScalar, FieldDraft, KeyDraft, RuleDraft

__all__ = ["ContractDraft", "DraftOption", "DraftScalar", "FieldDraft", "KeyDraft", "RuleDraft"]
