"""A contract as a page for people who do not read YAML: GitHub's Markdown, with all that `contract show` says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from watermaster.contract.outline import Outline

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def markdown(outlines: Sequence[Outline]) -> str:
    """The page: a part for each stream. Texts of the contract are escaped, and show as they are written."""
    return "\n".join(line for one in outlines for line in _part(one))


def _part(one: Outline) -> Iterator[str]:
    yield f"# {_text(one.stream)}"
    yield ""
    yield f"Contract {_text(one.contract_id)} {_text(one.version)}, owned by {_text(one.owner or 'nobody')}."
    yield ""
    yield from (f"- {_text(sentence)}" for sentence in (*one.record, one.budget))
    yield ""
    if one.fields:
        yield from _table(
            ("Field", "Must be there", "What it is", "What must hold", "Class"),
            [
                (f.path, "yes" if f.required else "no", f.type, ", ".join(f.asks), f.classification or "")
                for f in one.fields
            ],
        )
    if one.rules:
        yield "## Rules across fields"
        yield ""
        rows = [(rule.id, rule.severity, rule.breaking_it, rule.asks) for rule in one.rules]
        yield from _table(("Rule", "Severity", "What breaking it does", "What must hold"), rows)
    if one.unjudged:
        yield "## Not judged"
        yield ""
        yield from (f"- {_text(sentence)}" for sentence in one.unjudged)
        yield ""


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    yield from (f"| {' | '.join(map(_text, row))} |" for row in rows)
    yield ""


def _text(words: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(words.split()))
