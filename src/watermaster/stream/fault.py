"""The three kinds of fault, and what each must tell a person.

Bad *data* is never a fault: it is a `Verdict`. A fault is raised when the caller asked for something that cannot be
done (`UsageFault`), when the outside world failed (`WorldFault`), or when this package broke its own rules
(`InternalFault`). Each carries a stable code, one sentence, a hint that says what to do next, and whether trying
again can help. Adapters translate client errors into these once; `cli` and `web` turn them into exit codes and
statuses in one place each.
"""

from __future__ import annotations


class Fault(Exception):
    """A failure with a stable `code` (`WM-…`), a `hint`, and whether a retry can help.

    Messages and hints never contain secrets, nor values from records.
    """

    def __init__(self, code: str, message: str, *, hint: str, retriable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.retriable = retriable

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class UsageFault(Fault):
    """The caller's: a wrong argument, configuration, contract or permission asked for."""


class WorldFault(Fault):
    """The outside world's: a broker, registry, disk or network that does not do its part."""


class InternalFault(Fault):
    """Ours: an invariant of this package does not hold."""
