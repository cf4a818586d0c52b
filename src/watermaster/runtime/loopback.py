"""Whether an address stays on this machine, by its text alone.

Names are never resolved: an answer could be another one a moment later, and the rules that depend on it (plaintext,
anonymous access, open metrics) must not be talked out of.
"""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """True for `localhost`, 127.0.0.0/8, ::1 and its IPv4-mapped forms; False for every other name or address."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
