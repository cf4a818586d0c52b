"""The newest trial of each alert route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Engine, delete, insert, select

from watermaster.adapters.database.engine import transaction
from watermaster.adapters.database.tables import route_trial
from watermaster.runtime.incident_ports import RouteTrial


class DatabaseTrials:
    """Keeps trials and gives them back. Raises WorldFault WM-DATABASE."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, trials: Sequence[RouteTrial]) -> None:
        """In place of what was known of these routes."""
        with transaction(self._engine) as connection:
            connection.execute(delete(route_trial).where(route_trial.c.route.in_([trial.route for trial in trials])))
            connection.execute(insert(route_trial), [msgspec.to_builtins(trial) for trial in trials])

    def newest(self) -> Mapping[str, RouteTrial]:
        """By route."""
        with transaction(self._engine) as connection:
            found = [RouteTrial(*row) for row in connection.execute(select(route_trial))]
        return {trial.route: trial for trial in found}
