"""Ctrl-C, remembered: a library that meets it in the middle of its own work may raise something else instead.

The Kafka client's constructors do: an interrupt while they read their settings leaves them as a TypeError.
"""

from __future__ import annotations

import signal
import threading
from typing import NoReturn

_wished = threading.Event()


def _interrupt(*_: object) -> NoReturn:
    _wished.set()
    raise KeyboardInterrupt


def interrupt_on(*numbers: signal.Signals) -> None:
    """From now on these signals raise KeyboardInterrupt in the main thread, and `was_interrupted` knows of it."""
    for number in numbers:
        signal.signal(number, _interrupt)


def remember_ctrl_c() -> None:
    """Like Python's own way with Ctrl-C, but remembered. Where a parent chose another way, that one stays."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        interrupt_on(signal.SIGINT)


def was_interrupted() -> bool:
    """Whether a person has asked this command to end."""
    return _wished.is_set()
