"""Text that must not be shown: passwords, private keys, tokens.

librdkafka takes settings as text, so a secret has to stay a `str`; what changes is what a person or a log sees of it.
`repr` (and so the `repr` of any dict, dataclass or exception that holds it), `format` and f-strings show three stars.
Only an explicit `str()`, which is how the client reads its settings, gives the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "***"


class Secret(str):
    """A string that shows itself as `***`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, format_spec: str, /) -> str:
        return HIDDEN

    def __str__(self) -> str:
        return str.__str__(self)


def redact(text: str, settings: Mapping[str, Any]) -> str:
    """`text` with every secret of `settings` taken out; client messages sometimes quote the value they refuse."""
    for value in settings.values():
        if isinstance(value, Secret) and value:
            text = text.replace(str(value), HIDDEN)
    return text
