"""Builds native_transfer.c against the librdkafka that the confluent-kafka wheel carries."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
from pathlib import Path

from bench.figure import Missing

SOURCE = Path(__file__).with_name("native_transfer.c")


def build(directory: Path) -> Path:
    """The program. Raises Missing if there is no compiler or no library to link."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Missing("librdkafka in C: no C compiler `cc` on this machine")
    library = _library()
    program = directory / "native_transfer"
    command = [compiler, "-O2", "-Wall", "-o", str(program), str(SOURCE), str(library), f"-Wl,-rpath,{library.parent}"]
    done = subprocess.run(
        [*command, "-Wl,--allow-shlib-undefined"], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise Missing(f"librdkafka in C: the program could not be built: {done.stderr.strip().splitlines()[-1]}")
    return program


def _library() -> Path:
    for file in importlib.metadata.files("confluent-kafka") or ():
        if file.name.startswith("librdkafka") and ".so" in file.name:
            return Path(str(file.locate())).resolve()
    raise Missing("librdkafka in C: the installed confluent-kafka carries no librdkafka of its own")
