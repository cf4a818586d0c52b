"""How many records came to topics in each hour."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, bindparam, delete, insert, select

from watermaster.adapters.database.engine import transaction
from watermaster.adapters.database.tables import hour_count
from watermaster.runtime.rhythms import HourCount


class DatabaseHours:
    """An `HourStore`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load_hours(self, cluster: str, since_hour: int) -> Sequence[HourCount]:
        """Those of a cluster from an hour on."""
        columns = (hour_count.c.topic, hour_count.c.hour, hour_count.c.records)
        wanted = select(*columns).where(hour_count.c.cluster == cluster, hour_count.c.hour >= since_hour)
        with transaction(self._engine) as connection:
            return [HourCount(*row) for row in connection.execute(wanted.order_by(*columns[:2]))]

    def save_hours(self, cluster: str, hours: Sequence[HourCount], since_hour: int) -> None:
        """Put hours, and drop what is older than `since_hour`."""
        mine = hour_count.c.cluster == cluster
        same = delete(hour_count).where(
            mine, hour_count.c.topic == bindparam("at_topic"), hour_count.c.hour == bindparam("at_hour")
        )
        with transaction(self._engine) as connection:
            if hours:
                connection.execute(same, [{"at_topic": count.topic, "at_hour": count.hour} for count in hours])
                connection.execute(insert(hour_count), [{"cluster": cluster, **count._asdict()} for count in hours])
            connection.execute(delete(hour_count).where(mine, hour_count.c.hour < since_hour))
