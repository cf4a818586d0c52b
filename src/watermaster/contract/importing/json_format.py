"""Formats of JSON Schema in a contract's words. Validators may pass over a format; a contract judges it."""

from __future__ import annotations

from typing import Final

JUDGED: Final = "validators may pass over it, the contract judges it"

_CLOCK: Final = "no leap second, no more than nine digits of a second, no offset beyond 18 hours"

WHY: Final[dict[str, str]] = {
    "date": f"{JUDGED}; no year 0",
    "date-time": f"{JUDGED}; no year 0, {_CLOCK}",
    "time": f"{JUDGED}; {_CLOCK}",
    "email": f"{JUDGED}, in its practical form: no quotes, no comments, a domain with a dot",
    "hostname": JUDGED,
    "ipv4": JUDGED,
    "ipv6": JUDGED,
    "uri": JUDGED,
    "uuid": JUDGED,
}
"""Formats that a contract has, and how it reads them."""

LOGICAL: Final[dict[str, tuple[str, dict[str, bool]]]] = {
    "date": ("date", {}),
    "date-time": ("timestamp", {"timezone": True}),
    "time": ("time", {"timezone": True}),
}
"""Formats that are logical types of their own, with the options that make them the same."""
