"""Histories of objectives: slots of time, put and dropped whole look by whole look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Engine, bindparam, delete, insert, select

from watermaster.adapters.database.engine import transaction
from watermaster.adapters.database.tables import budget_slot
from watermaster.monitor.budget import Amount, SlotKey

NAMES_AT_ONCE: Final = 200
"""Databases bound how many values one statement takes."""


class DatabaseBudgets:
    """A `BudgetStore`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self, names: Iterable[str]) -> Mapping[str, Sequence[tuple[SlotKey, Amount]]]:
        """The slots of each history that is there."""
        found: dict[str, list[tuple[SlotKey, Amount]]] = {}
        wanted = list(names)
        with transaction(self._engine) as connection:
            for begin in range(0, len(wanted), NAMES_AT_ONCE):
                some = select(budget_slot).where(budget_slot.c.objective.in_(wanted[begin : begin + NAMES_AT_ONCE]))
                for row in connection.execute(some):
                    slot = (SlotKey(row.width_ms, row.start_ms), Amount(row.bad, row.seen))
                    found.setdefault(row.objective, []).append(slot)
        return found

    def save(self, changes: Mapping[str, Mapping[SlotKey, Amount | None]]) -> None:
        """Put slots, and drop those that are None; all of them or none."""
        changed = [(name, key, amount) for name, slots in changes.items() for key, amount in slots.items()]
        old = [{"of": name, "wide": key.width_ms, "since": key.start_ms} for name, key, _ in changed]
        new = [
            {"objective": name, **key._asdict(), **amount._asdict()}
            for name, key, amount in changed
            if amount is not None
        ]
        drop = delete(budget_slot).where(
            budget_slot.c.objective == bindparam("of"),
            budget_slot.c.width_ms == bindparam("wide"),
            budget_slot.c.start_ms == bindparam("since"),
        )
        with transaction(self._engine) as connection:
            if old:
                connection.execute(drop, old)
            if new:
                connection.execute(insert(budget_slot), new)
