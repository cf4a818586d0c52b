"""Contracts drafted from real records: what was seen, summed up, and the rules that it bears out.

    documents ── summary (text, number, variants) ──► StreamSummary     bounded, mergeable, order of parts kept
    StreamSummary ── proposal (personal, naming, moments, variants) ──► draft.ContractDraft ── draft_text ──► YAML

Two promises, both tested as properties. A draft never holds a record of its own sample that a contract without any
rule would pass. And it is conservative: a rule stands only where there is evidence that the next records keep it too,
so ranges are wider than what was seen, lists of values are closed only when nothing new has come for long, and
`required` waits for a thousand records. What is not sure is said in a comment and left to a person.

Invariant: values of fields that look personal are never in a draft: no enum, no example, no pattern, no range of them.
"""
