"""Stack traces as text, of the JVM or of Python, into what is the same each time that the same thing fails.

Kept are the types of the exception and of its causes, and the names of the topmost functions of the application.
Messages are not (they repeat values), nor line numbers, nor what differs from run to run: numbers of lambdas and
generated classes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

FRAMES_MAX: Final = 5
"""Of the application, from the top. Deeper ones say who called, not what failed."""
CAUSES_MAX: Final = 4
LINES_MAX: Final = 2_000

_JVM_FRAME: Final = re.compile(r"\s+at (?:[^\s/(]*/)*(?P<name>[^\s(/]+)\(")
_JVM_CAUSE: Final = re.compile(r"Caused by: (?P<type>[\w.$]+)")
_PYTHON_FRAME: Final = re.compile(r'\s+File "(?P<file>[^"]+)", line \d+, in (?P<name>.+)')
_PYTHON_END: Final = re.compile(r"(?P<type>[A-Za-z_][\w.]*)(?::|$)")
_GENERATED: Final = re.compile(r"\$\$(?:Lambda|EnhancerBy\w+|FastClassBy\w+)[$/]?[\w$/]*|0x[0-9a-f]+|(?<=\$)\d+")
_JVM_FOREIGN: Final = (
    *("java.", "javax.", "jdk.", "sun.", "com.sun.", "kotlin.", "scala.", "kafka.", "org.apache.kafka."),
    "org.springframework.",
)
_PYTHON_FOREIGN: Final = ("site-packages", "dist-packages", "/lib/python3", "<frozen")
_PYTHON_HEAD: Final = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class Trace:
    """`types` from the exception to its last cause, `frames` as `module.function` from the top."""

    types: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()


def read_trace(text: str, exception: str = "") -> Trace:
    """Read a trace; `exception` is its type where a header names it. Text that is none gives what is known of it."""
    lines = text.splitlines()[:LINES_MAX]
    if any(line.startswith(_PYTHON_HEAD) for line in lines):
        return _read_python(lines, exception)
    causes = [found["type"] for line in lines if (found := _JVM_CAUSE.match(line))]
    types = tuple(dict.fromkeys([exception, *causes[-CAUSES_MAX:]] if exception else causes[-CAUSES_MAX:]))
    frames = [_GENERATED.sub("", found["name"]) for line in lines if (found := _JVM_FRAME.match(line))]
    return Trace(types, _topmost(frames, [frame for frame in frames if not frame.startswith(_JVM_FOREIGN)]))


def _read_python(lines: list[str], exception: str) -> Trace:
    found = [match for line in lines if (match := _PYTHON_FRAME.match(line))]
    frames = [_python_frame(match) for match in reversed(found)]  # the innermost call stands last
    own = [_python_frame(m) for m in reversed(found) if not any(part in m["file"] for part in _PYTHON_FOREIGN)]
    last = _PYTHON_END.match(next((line for line in reversed(lines) if line.strip()), ""))
    raised = exception or (last["type"] if last else "")
    return Trace((raised,) if raised else (), _topmost(frames, own))


def _python_frame(match: re.Match[str]) -> str:
    """The last two parts of the path as a module: the rest is where it was installed."""
    parts = match["file"].removesuffix(".py").replace("\\", "/").split("/")
    return ".".join([*parts[-2:], match["name"].strip()])


def _topmost(frames: list[str], own: list[str]) -> tuple[str, ...]:
    """The application's frames; where it has none, any: a failure without frames would be like every other one."""
    return tuple((own or frames)[:FRAMES_MAX])
