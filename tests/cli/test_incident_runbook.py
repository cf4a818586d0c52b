"""Runbooks name only commands that exist, with options that they have; and what is shown of them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.adapters.prometheus.watched_world import EVERYTHING
from typer.exceptions import TyperException

from watermaster.adapters.prometheus.rule import Alert
from watermaster.adapters.prometheus.rule_file import rule_groups
from watermaster.cli import main
from watermaster.incident.runbook import command_for
from watermaster.incident.runbook_table import RUNBOOKS
from watermaster.incident.signal import SignalKind

TYPED = {
    # What a person fills in, as something that the command takes.
    "NUMBER": "1",
    "OFFSET": "7",
}


def commands() -> Iterator[str]:
    for book in RUNBOOKS.values():
        yield from (command for step in book.steps if (command := command_for(step, None)))
    for group in rule_groups(EVERYTHING):
        for rule in group.rules:
            if isinstance(rule, Alert):
                yield from rule.command.replace("{{ $labels.cluster_name }}", "CLUSTER").split("; ")


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_every_command_exists_and_takes_what_is_written(command: str) -> None:
    program, *words = [TYPED.get(word, word) for word in shlex.split(command)]
    assert program == main.PROGRAM
    found: Any = typer.main.get_command(main.app)
    context = None
    while hasattr(found, "get_command") and words and not words[0].startswith("-"):
        context = found.make_context(found.name, [], parent=context, resilient_parsing=True)
        inner = found.get_command(context, words[0])
        assert inner is not None, f"there is no {words[0]}"
        found, words = inner, words[1:]
    if "--help" not in words:
        # Parses for real: unknown options, missing arguments and values out of bounds are refused.
        found.make_context(found.name, list(words), parent=context)


@pytest.mark.parametrize("wrong", ["status --horizons", "gate verity", "incident show", "nothing", "reset --to"])
def test_a_command_that_does_not_exist_would_be_found(wrong: str) -> None:
    with pytest.raises((AssertionError, TyperException)):
        test_every_command_exists_and_takes_what_is_written(f"watermaster {wrong}")


def test_the_site_goes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "watermaster.yaml"
    config.write_text(
        "clusters: {primary: {bootstrap: 'localhost:9092'}}\n"
        "runbooks:\n"
        "- {topic: 'orders*', signal: data_lost, text: Call the orders desk., url: 'https://wiki/orders'}\n"
        "- {signal: loss_near, text: Elsewhere.}\n"
    )
    assert main.execute(["incident", "runbook", "data-lost", "--config", str(config)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "This site, for orders*: Call the orders desk. https://wiki/orders"
    assert lines[1].startswith("data_lost: ")
    assert "Elsewhere" not in "\n".join(lines)
    assert main.execute(["incident", "runbook", "data_lost", "--config", str(config), "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["site"][0]["url"] == "https://wiki/orders"
    assert main.execute(["incident", "runbook", "--config", str(tmp_path / "none.yaml")]) == 0
    told = capsys.readouterr().out
    assert all(kind.value in told for kind in SignalKind)
    assert main.execute(["incident", "runbook", "data_loss", "--config", str(config)]) == 2
    assert "Did you mean 'data_lost'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{topic: orders}", "says neither where it is nor what it says"),
        ("{url: 'javascript:alert(1)'}", "is no address"),
        ("{url: 'https://wiki', topics: a}", "is not a key of this file"),
        ("{url: 'https://wiki', signal: data_loss}", "Did you mean data_lost?"),
        ("wiki", "must be a mapping"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_with_its_line(
    row: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "watermaster.yaml"
    config.write_text(f"clusters: {{primary: {{bootstrap: 'localhost:9092'}}}}\nrunbooks:\n- {row}\n")
    assert main.execute(["incident", "runbook", "data_lost", "--config", str(config)]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "watermaster.yaml:3" in error
