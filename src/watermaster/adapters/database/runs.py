"""Runs of `check`, kept beside the incidents that may come of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from watermaster.adapters.database.engine import alone, database_fault
from watermaster.adapters.database.tables import check_run
from watermaster.incident.batch import BatchRun


class DatabaseRuns:
    """Appends runs and reads them back. Raises WorldFault WM-DATABASE."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, run: BatchRun) -> None:
        """One more, in a transaction of its own."""
        body = msgspec.json.encode(run).decode()
        with self._alone() as connection:
            connection.execute(insert(check_run).values(at_ms=run.at_ms, stream=run.stream, body=body))

    def listed(self, limit: int) -> Sequence[BatchRun]:
        """The newest first."""
        wanted = select(check_run.c.body).order_by(check_run.c.id.desc()).limit(limit)
        with self._alone() as connection:
            return [_run(body) for body in connection.scalars(wanted)]

    def newest(self) -> Sequence[BatchRun]:
        """The newest run of each stream."""
        newest = select(func.max(check_run.c.id)).group_by(check_run.c.stream)
        wanted = select(check_run.c.body).where(check_run.c.id.in_(newest)).order_by(check_run.c.stream)
        with self._alone() as connection:
            return [_run(body) for body in connection.scalars(wanted)]

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        try:
            with alone(self._engine) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise database_fault(error) from None


def _run(body: str) -> BatchRun:
    return msgspec.json.decode(body, type=BatchRun)
