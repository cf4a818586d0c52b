"""Wait for a state of the world instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from watermaster.stream.fault import WorldFault

PATIENCE_S = 60.0
"""How long a state may take to come true: generous, for it is only paid when something is broken."""
POLL_S = 0.05

T = TypeVar("T")


def wait_until(
    check: Callable[[], T | None],
    what: str,
    timeout_s: float = PATIENCE_S,
    explain: Callable[[], str] = str,
) -> T:
    """Call `check` until it returns something true, and return that.

    Raises WorldFault `WM-TESTKIT-TIMEOUT` after `timeout_s` seconds, naming `what` was waited for and what `explain`
    has to say. Faults that `check` raises pass through.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_S)
    raise WorldFault(
        "WM-TESTKIT-TIMEOUT",
        f"Waited {timeout_s:g} s in vain until {what}. {explain()}".rstrip(),
        hint="See the broker logs named by the cluster's `directory`; on a very slow machine allow more time.",
    )
