"""Fields that look personal or secret, by their name, by the names above them, and by what their texts are.

A proposal for a person to confirm. On doubt a field is called personal: the price is a rule less, the price of the
other mistake is somebody's name in a contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from watermaster.contract.inference.naming import words_of
from watermaster.contract.inference.text_summary import TextSummary

CONFIDENTIAL: Final = "confidential"
RESTRICTED: Final = "restricted"

_SECRET: Final = frozenset(
    {"password", "passwd", "pwd", "secret", "token", "apikey", "credential", "credentials", "pin", "cvv", "cvc",
     "otp", "passphrase", "signature", "authorization", "cookie", "session"}
)  # fmt: skip
_SENSITIVE: Final = frozenset(
    {"ssn", "passport", "iban", "bic", "salary", "wage", "income", "diagnosis", "disease", "religion", "ethnicity",
     "nationality", "gender", "sex", "tax", "taxid", "insurance", "card", "pan", "account", "license", "licence"}
)  # fmt: skip
_PERSONAL: Final = frozenset(
    {"email", "mail", "phone", "mobile", "telephone", "tel", "fax", "firstname", "lastname", "surname", "forename",
     "fullname", "nickname", "username", "login", "birth", "birthday", "birthdate", "dob", "age", "address", "street",
     "zip", "postcode", "postal", "ip", "ipaddress", "mac", "imei", "gravatar", "avatar", "twitter", "person",
     "customer", "client", "patient", "employee", "passenger", "guest", "member", "user", "owner", "author",
     "committer", "assignee", "reviewer", "sender", "recipient", "contact", "householder", "driver", "student",
     "pusher", "creator", "actor", "requester", "uploader", "tagger", "sponsor", "maintainer", "beneficiary",
     "payer", "payee", "buyer", "seller", "signer", "latitude", "longitude", "lat", "lng", "lon"}
)  # fmt: skip
_NAME_WORDS: Final = frozenset({"first", "last", "middle", "given", "family", "maiden", "full", "display", "real"})
_IMPERSONAL_LAST: Final = frozenset({"count", "type", "total", "at", "status", "kind"})
"""`user_type`, `login_count`: about persons, and no person can be told from them."""
_PERSONAL_FORMATS: Final = frozenset({"email", "ipv4", "ipv6"})


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What classification is proposed, and why."""

    classification: str
    reason: str


def looks_sensitive(names: Sequence[str], texts: TextSummary | None) -> Sensitivity | None:
    """For a field by its path of names, outermost first, and what its texts are."""
    words = words_of(names[-1]) if names else ()
    if not _SECRET.isdisjoint(words):
        return Sensitivity(RESTRICTED, "its name speaks of a secret")
    if not _SENSITIVE.isdisjoint(words):
        return Sensitivity(RESTRICTED, "its name speaks of something sensitive")
    if _names_person(words):
        return Sensitivity(CONFIDENTIAL, "its name speaks of a person")
    if any(_names_person(words_of(name)) for name in names[:-1]):
        return Sensitivity(CONFIDENTIAL, "it belongs to a person")
    if texts is not None and texts.count and not _PERSONAL_FORMATS.isdisjoint(texts.formats):
        return Sensitivity(CONFIDENTIAL, "its texts are addresses")
    return None


def _names_person(words: Sequence[str]) -> bool:
    if not words:
        return False
    if "name" in words and not _NAME_WORDS.isdisjoint(words):
        return True
    return not _PERSONAL.isdisjoint(words) and words[-1] not in _IMPERSONAL_LAST
