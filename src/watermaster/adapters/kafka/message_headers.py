"""Headers of a message, or the word that the client cannot show them.

Of a header key that is not UTF-8 the client makes half a list and leaves its error pending. The interpreter looks for
such an error after every call but one that it has specialised, which is each call of a method in a hot loop: the error
then comes up anywhere later, and the half list ends the process. A call that is made from C is always looked after.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import methodcaller
from typing import Final, cast

from confluent_kafka import Message

from watermaster.stream.batch import RawHeaders

HEADER_UNREADABLE: Final = "a header key is not UTF-8"

_ask = methodcaller("headers")


class HeadersUnreadable(Exception):
    """The client cannot show these headers; asked again, it would answer with half of them."""


def headers_of(message: Message) -> RawHeaders | None:
    """The headers in their order, None if there are none. Raises `HeadersUnreadable`; ask once for each message."""
    try:
        return cast("RawHeaders | None", _ask(message))
    except (UnicodeDecodeError, SystemError):  # the latter is how the interpreter names an answer with an error
        raise HeadersUnreadable from None


def headers_of_all(messages: Sequence[Message]) -> tuple[list[RawHeaders | None], list[int]]:
    """The same of many, and the indexes of those whose headers cannot be shown, which have None. Ask once."""
    found: list[RawHeaders | None] = []
    unreadable: list[int] = []
    while len(found) < len(messages):
        try:
            found.extend(map(_ask, messages[len(found) :] if found else messages))
        except (UnicodeDecodeError, SystemError):  # what was read before stays in the list
            unreadable.append(len(found))
            found.append(None)
    return found, unreadable
