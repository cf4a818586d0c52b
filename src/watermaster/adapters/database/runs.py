"""Runs of `check`, kept beside the incidents that may come of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Engine, func, insert, select

from watermaster.adapters.database.engine import transaction
from watermaster.adapters.database.tables import check_run
from watermaster.incident.batch import BatchRun


class DatabaseRuns:
    """Appends runs and reads them back. Raises WorldFault WM-DATABASE."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, run: BatchRun) -> None:
        """One more, in a transaction of its own."""
        body = msgspec.json.encode(run).decode()
        with transaction(self._engine) as connection:
            connection.execute(insert(check_run).values(at_ms=run.at_ms, stream=run.stream, body=body))

    def listed(self, limit: int) -> Sequence[BatchRun]:
        """The newest first."""
        wanted = select(check_run.c.body).order_by(check_run.c.id.desc()).limit(limit)
        with transaction(self._engine) as connection:
            return [_run(body) for body in connection.scalars(wanted)]

    def newest(self) -> Sequence[BatchRun]:
        """The newest run of each stream."""
        newest = select(func.max(check_run.c.id)).group_by(check_run.c.stream)
        wanted = select(check_run.c.body).where(check_run.c.id.in_(newest)).order_by(check_run.c.stream)
        with transaction(self._engine) as connection:
            return [_run(body) for body in connection.scalars(wanted)]


def _run(body: str) -> BatchRun:
    return msgspec.json.decode(body, type=BatchRun)
