"""The one place where an exception becomes what a person sees, and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from enum import IntEnum
from typing import Final, TextIO

from watermaster.cli.output import inert
from watermaster.stream.fault import Fault, InternalFault, UsageFault, WorldFault

DEBUG_VARIABLE: Final = "WATERMASTER_DEBUG"


class ExitCode(IntEnum):
    """Stable for scripts. `FINDINGS` means that the command did its work and found something wrong in the data."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    """The caller's: an argument, the configuration, a contract, a missing permission."""
    WORLD = 3
    """The outside world's: a broker, disk or network. Trying again may help."""
    UNVERIFIABLE = 4
    """`gate verify`: nothing contradicts the gate, but not everything could be read any more."""
    INTERNAL = 70
    INTERRUPTED = 130


EXIT_CODES: Final[Mapping[type[Fault], ExitCode]] = {
    UsageFault: ExitCode.USAGE,
    WorldFault: ExitCode.WORLD,
    InternalFault: ExitCode.INTERNAL,
}

_REPORT_HINT: Final = (
    f"This is a defect of watermaster. Run the command again with {DEBUG_VARIABLE}=1 and report what it shows."
)


def show_fault(fault: Fault, stream: TextIO | None = None) -> ExitCode:
    """Print one sentence, the hint and the code to `stream` (standard error); the exit code to end with."""
    stream = stream or sys.stderr
    stream.write(f"{inert(fault.message)} [{fault.code}]\n")
    stream.write(f"  {inert(fault.hint)}\n")
    if debugging() and fault.__traceback__ is not None:
        stream.write("".join(traceback.format_exception(fault)))
    return next((code for kind, code in EXIT_CODES.items() if isinstance(fault, kind)), ExitCode.INTERNAL)


def show_unexpected(error: BaseException, stream: TextIO | None = None) -> ExitCode:
    """An exception that nobody expected: named by its type only, since its text may hold anything."""
    fault = InternalFault("WM-INTERNAL", f"Something unexpected happened: {type(error).__name__}.", hint=_REPORT_HINT)
    fault.__traceback__ = error.__traceback__
    code = show_fault(fault, stream)
    if debugging():
        (stream or sys.stderr).write(f"{type(error).__name__}: {inert(str(error))}\n")
    return code


def debugging() -> bool:
    """Whether a person has asked for tracebacks."""
    return os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")
