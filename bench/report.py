"""Sections as a table for a terminal, as JSON, and as docs/benchmarks.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from bench.figure import Ratio, Section, Table, brief

RATIO_COLUMNS = ("what", "ratio", "goal", "ours", "reference")

HOW_TO_READ = """\
Read the ratios. Each is a median of ours over a median of the reference, both measured in turns in the same run on the
same machine, with the medians and, in brackets, the smallest and largest of the repetitions beside it. A ratio of CPU
or time is better when it is small, one of speed when it is large. Differences below a quarter are ties on a shared
machine. Absolute times say what this machine did in that hour and nothing more.
"""


def as_table(sections: Sequence[Section], machine: dict[str, str]) -> str:
    """For people at a terminal."""
    lines = [f"{name}: {value}" for name, value in machine.items()]
    for section in sections:
        lines += ["", section.title, "-" * len(section.title), section.about]
        if section.ratios:
            lines += ["", *_aligned(RATIO_COLUMNS, map(_cells, section.ratios))]
        for table in section.tables:
            lines += ["", table.title, *_aligned(table.columns, table.rows)]
        lines += [f"MISSING: {what}" for what in section.missing]
    return "\n".join(lines) + "\n"


def as_json(sections: Sequence[Section], machine: dict[str, str]) -> str:
    """For machines."""
    return json.dumps({"machine": machine, "sections": [_plain(section) for section in sections]}, indent=2) + "\n"


def as_markdown(sections: Sequence[Section], machine: dict[str, str], command: str) -> str:
    """The document."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `{command}`; do not edit. How it measures stands in `bench/__init__.py`.",
        "",
    ]
    lines += [HOW_TO_READ, "## The machine", "", *_marked(Table("", ("", ""), tuple(machine.items()))), ""]
    for section in sections:
        lines += _section(section)
    return "\n".join(lines).rstrip() + "\n"


def merged(document: str, sections: Sequence[Section], machine: dict[str, str], command: str) -> str:
    """The document with some sections measured anew; each of them says by which command and on what.

    A section that the document does not have yet comes last.
    """
    head, *blocks = document.rstrip().split("\n## ")
    where = f"Measured apart from the rest by `{command}`: {'; '.join(f'{k} {v}' for k, v in machine.items())}."
    for section in sections:
        block = "\n".join(_section(section, where)).rstrip().removeprefix("## ") + "\n"
        title = block.partition("\n")[0]
        known = [at for at, old in enumerate(blocks) if old.partition(":")[0] == title.partition(":")[0]]
        blocks = [block if at in known else old for at, old in enumerate(blocks)] + ([] if known else [block])
    return "\n## ".join([head, *(block.rstrip() + "\n" for block in blocks)])


def _section(section: Section, where: str = "") -> list[str]:
    name, _, rest = section.title.partition(": ")
    lines = [f"## {name.capitalize()}: {rest}", "", section.about, ""]
    if where:
        lines += [where, ""]
    if section.ratios:
        lines += [*_marked(Table("", RATIO_COLUMNS, tuple(map(_cells, section.ratios)))), ""]
    for table in section.tables:
        lines += [f"**{table.title}**", "", *_marked(table), ""]
    return lines + [line for what in section.missing for line in (f"**Missing:** {what}.", "")]


def _cells(ratio: Ratio) -> tuple[str, ...]:
    return ratio.what, f"{brief(ratio.value)}×", ratio.verdict, str(ratio.ours), str(ratio.reference)


def _aligned(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    table = [columns, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]


def _marked(table: Table) -> list[str]:
    rows = [table.columns, ("---",) * len(table.columns), *table.rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]


def _plain(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "ratios": [_plain_ratio(ratio) for ratio in section.ratios],
        "tables": [{"title": table.title, "columns": table.columns, "rows": table.rows} for table in section.tables],
        "missing": section.missing,
        "facts": section.facts,
    }


def _plain_ratio(ratio: Ratio) -> dict[str, Any]:
    sides = {"ours": ratio.ours, "reference": ratio.reference}
    return {
        "what": ratio.what,
        "ratio": ratio.value,
        "goal": ratio.verdict,
        **{side: {"of": m.of, "unit": m.unit, "median": m.median, "values": m.values} for side, m in sides.items()},
    }
