"""Profiles of the hours of streams."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Engine, bindparam, delete, insert, select

from watermaster.adapters.database.engine import transaction
from watermaster.adapters.database.tables import profile_hour
from watermaster.monitor.profile import Profile
from watermaster.runtime.profiles import HourProfile


class DatabaseProfiles:
    """A `ProfileStore`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load_profiles(self, cluster: str, topics: Sequence[str], since_hour: int) -> Sequence[HourProfile]:
        """Those of the topics from an hour on."""
        mine = (profile_hour.c.cluster == cluster, profile_hour.c.topic == bindparam("of"))
        wanted = select(profile_hour).where(*mine, profile_hour.c.hour >= since_hour).order_by(profile_hour.c.hour)
        with transaction(self._engine) as connection:
            return [
                HourProfile(row.topic, row.hour, bool(row.changed), msgspec.json.decode(row.body, type=Profile))
                for topic in topics
                for row in connection.execute(wanted, {"of": topic})
            ]

    def save_profiles(self, cluster: str, profiles: Sequence[HourProfile], since_hour: int) -> None:
        """Put profiles, and drop what is older than `since_hour`."""
        mine = profile_hour.c.cluster == cluster
        same = delete(profile_hour).where(
            mine, profile_hour.c.topic == bindparam("at_topic"), profile_hour.c.hour == bindparam("at_hour")
        )
        rows = [
            {
                "cluster": cluster,
                "topic": kept.topic,
                "hour": kept.hour,
                "changed": int(kept.changed),
                "body": msgspec.json.encode(kept.profile).decode(),
            }
            for kept in profiles
        ]
        with transaction(self._engine) as connection:
            if rows:
                connection.execute(same, [{"at_topic": kept.topic, "at_hour": kept.hour} for kept in profiles])
                connection.execute(insert(profile_hour), rows)
            connection.execute(delete(profile_hour).where(mine, profile_hour.c.hour < since_hour))
