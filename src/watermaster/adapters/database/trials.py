"""The newest trial of each alert route."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from watermaster.adapters.database.engine import alone, database_fault
from watermaster.adapters.database.tables import route_trial
from watermaster.runtime.incident_ports import RouteTrial


class DatabaseTrials:
    """Keeps trials and gives them back. Raises WorldFault WM-DATABASE."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, trials: Sequence[RouteTrial]) -> None:
        """In place of what was known of these routes."""
        with self._alone() as connection:
            connection.execute(delete(route_trial).where(route_trial.c.route.in_([trial.route for trial in trials])))
            connection.execute(insert(route_trial), [msgspec.to_builtins(trial) for trial in trials])

    def newest(self) -> Mapping[str, RouteTrial]:
        """By route."""
        with self._alone() as connection:
            found = [RouteTrial(*row) for row in connection.execute(select(route_trial))]
        return {trial.route: trial for trial in found}

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        try:
            with alone(self._engine) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise database_fault(error) from None
