"""String formats that engines judge, as RE2 patterns where the format is one, else as a function.

`email` and `hostname` are the practical forms that address books and resolvers accept, not the whole of their RFCs:
no comments, no quoted local parts, ASCII only. `uri` asks for a scheme and for the characters of RFC 3986.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from watermaster.contract.pattern import compile_pattern
from watermaster.contract.temporal import TemporalKind, default_form, temporal_parser

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM: Final = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_URI_CHARACTER: Final = "(?:[A-Za-z0-9._~:/?#\\[\\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"

FORMAT_PATTERNS: Final[dict[str, str]] = {
    "byte": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    "email": f"^{_ATOM}(?:\\.{_ATOM})*@{_LABEL}(?:\\.{_LABEL})+$",
    "ipv4": f"^{_OCTET}(?:\\.{_OCTET}){{3}}$",
    "uri": f"^[A-Za-z][A-Za-z0-9+.-]*:{_URI_CHARACTER}*$",
    "uuid": "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$",
    "hostname": f"^{_LABEL}(?:\\.{_LABEL})*$",
}
"""Formats that are one pattern."""

HOSTNAME_CHARACTERS_MAX: Final = 253
"""RFC 1035; the pattern bounds only single labels."""


def compile_format(name: str) -> Callable[[str], bool]:
    """Whether a text is of the format; texts hold no lone surrogates. `KeyError` for a format that is not judged."""
    if name in _TEMPORAL:
        parse = temporal_parser(default_form(_TEMPORAL[name], offset=True if name == "date-time" else None))
        return lambda text: isinstance(parse(text), int)
    if name == "ipv6":
        return _is_ipv6
    search = compile_pattern(FORMAT_PATTERNS[name]).search
    if name == "hostname":
        return lambda text: len(text) <= HOSTNAME_CHARACTERS_MAX and search(text)
    return search


_TEMPORAL: Final = {
    "date": TemporalKind.DATE,
    "date-time": TemporalKind.TIMESTAMP,
    "time": TemporalKind.TIME,
}


def _is_ipv6(text: str) -> bool:
    # Python's reader also takes a zone (`fe80::1%eth0`), which is no address.
    if "%" in text:
        return False
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
