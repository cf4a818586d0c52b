"""Style, the map and the documentation are tested like code."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "watermaster"

LINES_MAX = 400
FUNCTION_LINES_MAX = 60
LONG_FILES = {
    # Each with the idea that holds it together.
    "runtime/ports.py": "a list of Protocols, nothing else",
}
LONG_FUNCTIONS = {
    "cli/check.py:check": "one parameter for each option of the command, and what they mean together",
    "cli/gate.py:_gate": "one parameter for each option of the command",
    "wiring/gate.py:_transfer": "joins the parts of a worker, in order",
}
PURE = ("stream", "contract", "gate", "auditor", "quarantine", "monitor", "incident")
IMPURE_MODULES = {
    "asyncio", "confluent_kafka", "httpx2", "logging", "os", "random", "requests", "secrets", "socket", "sqlite3",
    "structlog", "subprocess", "threading", "time", "urllib",
}  # fmt: skip
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


@pytest.mark.parametrize("path", modules(), ids=name)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    if name(path) not in LONG_FILES:
        assert len(text.splitlines()) <= LINES_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if f"{name(path)}:{node.name}" in LONG_FUNCTIONS:
                continue
            assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES_MAX, f"{node.name} at line {node.lineno}"


@pytest.mark.parametrize("path", [p for p in modules() if name(p).split("/")[0] in PURE], ids=name)
def test_domain_folders_do_no_io_and_know_no_clock(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        imported = []
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported = [node.module or ""]
        for module in imported:
            assert module.split(".")[0] not in IMPURE_MODULES, f"line {node.lineno}: {module}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in {"now", "utcnow", "today"}, f"line {node.lineno} asks a clock"


@pytest.mark.parametrize("path", modules(), ids=name)
def test_contract_text_is_never_executed(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec", "compile", "__import__"}, f"line {node.lineno}"


@pytest.mark.parametrize("path", modules(), ids=name)
def test_names_say_what_is_inside(path: Path) -> None:
    assert not {part.removesuffix(".py") for part in path.relative_to(SOURCE).parts} & FORBIDDEN_NAMES


def folders() -> list[Path]:
    return sorted({path.parent for path in modules()} - {SOURCE})


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_every_folder_has_its_theory_and_its_line_on_the_map(folder: Path) -> None:
    theory = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert theory
    place = folder.relative_to(SOURCE).as_posix() + "/"
    assert f"`{place}`" in (ROOT / "ARCHITECTURE.md").read_text(), f"ARCHITECTURE.md has no line for {place}"


def test_the_map_names_only_what_is_there() -> None:
    for place in re.findall(r"^\| `([a-z_/]+/)`", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE):
        assert (SOURCE / place).is_dir(), place


def test_no_two_decisions_have_one_number() -> None:
    """A hole is allowed: two branches that take numbers apart from each other need not be numbered anew."""
    numbers = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert numbers
    assert len(numbers) == len(set(numbers))


def test_links_in_documents_lead_somewhere() -> None:
    for document in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} -> {target}"


def test_readme_names_only_commands_that_exist() -> None:
    help_text = _help()
    for command in set(
        re.findall(r"^(?:\.venv/bin/)?watermaster ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    ):
        assert re.search(rf"\b{command}\b", help_text), command


def _help() -> str:
    from typer.testing import CliRunner

    from watermaster.cli.main import app

    return CliRunner().invoke(app, ["--help"]).output


def test_no_file_names_a_machine_or_holds_a_secret() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    here = Path(__file__).relative_to(ROOT).as_posix()
    places = [f"{place}/" for place in (ROOT, Path.home()) if len(place.parts) > 1]
    pattern = re.compile("|".join([*map(re.escape, places), "BEGIN (RSA |EC )?PRIVATE KEY"]))
    for file in listed.stdout.split():
        if file == here or file.endswith((".zip", ".gz", ".png")):
            continue
        assert not pattern.search((ROOT / file).read_text(errors="replace")), file
