"""How simple rules read fields of a typed record: types are known before, so most tests are one comparison."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from msgspec import UNSET

from watermaster.gate.closure import Closure, Read, Undecided, Untranslatable
from watermaster.gate.record_plan import Plan, Slot


class RecordAccess:
    """Implements `closure.Access` for the records of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._slots = plan.slots
        self.attributes: set[str] = set()
        """What was asked for so far."""

    def field(self, path: tuple[str, ...]) -> Closure:
        """See `Access.field`."""
        slot = self._slot(path)
        get = attrgetter(slot.attribute)
        if not slot.optional and slot.kind is not None:
            return Closure(get, slot.kind)

        def read(record: Any) -> Any:  # noqa: ANN401 - a record of the plan's type
            value = get(record)
            if value is UNSET:
                raise Undecided
            return value

        return Closure(read)

    def has(self, path: tuple[str, ...]) -> Read:
        """See `Access.has`."""
        get = attrgetter(self._slot(path).attribute)
        return lambda record: get(record) is not UNSET

    def _slot(self, path: tuple[str, ...]) -> Slot:
        slot = self._slots.get(path)
        if slot is None:
            raise Untranslatable
        self.attributes.add(slot.attribute)
        return slot
