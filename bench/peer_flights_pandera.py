"""The flights' rules in pandera over a polars frame, run by the Python of its own virtual environment.

    python peer_flights_pandera.py FILE

Prints a line of JSON: rows, and by rule how many break it.
"""

import json
import sys

import pandera.polars as pa
import polars as pl

RANGES = {
    "year": (1987, 2100), "month": (1, 12), "day": (1, 31), "dep_time": (0, 2359), "sched_dep_time": (0, 2359),
    "dep_delay": (-1440, 2880), "arr_time": (0, 2359), "sched_arr_time": (0, 2359), "arr_delay": (-1440, 2880),
    "flight": (1, 9999), "air_time": (1, 1200), "distance": (1, 12500), "hour": (0, 23), "minute": (0, 59),
}  # fmt: skip
PATTERNS = {
    "carrier": "^[A-Z0-9]{2}$",
    "tailnum": "^N[1-9]([0-9]{0,4}|[0-9]{0,3}[A-HJ-NP-Z]|[0-9]{0,2}[A-HJ-NP-Z]{2})$",
    "dest": "^[A-Z]{3}$",
}
NULLABLE = ("dep_time", "dep_delay", "arr_time", "arr_delay", "tailnum", "air_time")
ORDER = (
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour",
)  # fmt: skip


def minutes(name: str) -> pl.Expr:
    """A clock time as minutes."""
    return pl.col(name) // 100 * 60 + pl.col(name) % 100


def rules() -> dict[str, pl.Expr]:
    """By name: whether a row keeps it."""
    col = pl.col
    departed, arrived = minutes("dep_time") - minutes("sched_dep_time"), minutes("arr_time") - minutes("sched_arr_time")
    whole = col("arr_time").is_not_null() & col("arr_delay").is_not_null() & col("air_time").is_not_null()
    nothing = (
        col("dep_delay").is_null() & col("arr_time").is_null() & col("arr_delay").is_null() & col("air_time").is_null()
    )
    return {
        "arrival_reported": col("dep_time").is_null() | whole,
        "cancelled_says_nothing": col("dep_time").is_not_null() | nothing,
        "aircraft_named": col("dep_time").is_null() | col("tailnum").is_not_null(),
        "departure_delay_adds_up": ((departed - col("dep_delay")) % 1440 == 0).fill_null(value=True),
        "arrival_delay_adds_up": ((arrived - col("arr_delay")) % 1440 == 0).fill_null(value=True),
        "plausible_speed": (col("distance") * 60 <= col("air_time") * 600).fill_null(value=True),
        "left_far_too_early": (col("dep_delay") >= -30).fill_null(value=True),
    }


def schema() -> pa.DataFrameSchema:
    """The contract."""
    check = pa.Check
    columns = {
        name: pa.Column(pl.Int64, check.in_range(*bounds), nullable=name in NULLABLE) for name, bounds in RANGES.items()
    }
    columns |= {
        name: pa.Column(pl.String, check.str_matches(pattern), nullable=name in NULLABLE)
        for name, pattern in PATTERNS.items()
    }
    columns["origin"] = pa.Column(pl.String, check.isin(["EWR", "JFK", "LGA"]))
    columns["time_hour"] = pa.Column(pl.Datetime("us", "UTC"))
    wide = [check(lambda data, holds=holds: data.lazyframe.select(holds), name=name) for name, holds in rules().items()]
    return pa.DataFrameSchema(columns, checks=wide, strict=True)


def read(file: str) -> pl.DataFrame:
    """The whole file, typed."""
    if file.endswith(".parquet"):
        return pl.read_parquet(file)
    texts = (*PATTERNS, "origin", "time_hour")
    frame = pl.read_ndjson(file, schema={name: pl.String if name in texts else pl.Int64 for name in ORDER})
    moment = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
    return frame.with_columns(moment)


def main(file: str) -> None:
    frame = read(file)
    broken: dict[str, int] = {}
    try:
        schema().validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        for column, name, count in errors.failure_cases.group_by(["column", "check"]).len().iter_rows():
            rule = column or name
            broken[rule] = broken.get(rule, 0) + count
    print(json.dumps({"rows": len(frame), "broken": broken}))


if __name__ == "__main__":
    main(sys.argv[1])
