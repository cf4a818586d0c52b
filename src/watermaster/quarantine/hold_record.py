"""Records of the compacted hold-state topic: key `HoldKey.encode()`, value JSON, the newest one counts.

Beside the hold's state a record carries its account: the terms under which it was held. When retention has deleted
the held bytes, nothing else could still say under which contract that was. No value of the record is in it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from watermaster.quarantine.lifecycle import Actor, Hold, State, Step

HOLD_RECORD_VERSION: Final = 1
WHY_CHARACTERS_MAX: Final = 500
"""A reason for people; a longer one belongs into a ticket, whose number it can name."""


class Account(msgspec.Struct, frozen=True):
    """Under which terms a record was held; contract and activation are empty and 0 where no gate judged it."""

    stream: str
    contract: str
    activation: int


class _Written(msgspec.Struct, frozen=True, omit_defaults=True):
    state: State
    attempt: int
    account: Account
    step: Step | None = None
    principal: str = ""
    system_user: str = ""
    approved_by: str = ""
    at_ms: int = 0
    why: str = ""
    fix: str = ""
    activation: int = 0
    target: str = ""
    v: int = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Written)


def encode_hold(hold: Hold, account: Account) -> bytes:
    """The value of a hold-state record."""
    by = hold.by or Actor("", "")
    return _encoder.encode(
        _Written(
            state=hold.state,
            attempt=hold.attempt,
            account=account,
            step=hold.step,
            principal=by.principal,
            system_user=by.system_user,
            approved_by=by.approved_by,
            at_ms=hold.at_ms,
            why=hold.why[:WHY_CHARACTERS_MAX].encode(errors="replace").decode(),
            fix=hold.fix,
            activation=hold.activation,
            target=hold.target,
            v=HOLD_RECORD_VERSION,
        )
    )


def decode_hold(value: bytes | None) -> tuple[Hold, Account] | None:
    """Read a hold-state record's value; None if it is of another kind or version."""
    try:
        read = _decoder.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if read.v != HOLD_RECORD_VERSION or read.attempt < 0:
        return None
    by = Actor(read.principal, read.system_user, read.approved_by) if read.step is not None else None
    hold = Hold(read.state, read.attempt, read.step, by, read.at_ms, read.why, read.fix, read.activation, read.target)
    return hold, read.account
