"""The flights' rules in Great Expectations over a pandas frame, run by the Python of its own virtual environment.

    python peer_flights_great_expectations.py FILE

Prints a line of JSON: rows, and by rule how many break it. Rules over several columns are computed by pandas before:
there is one expectation for each, that what came out is true.
"""

import json
import logging
import sys
import warnings

import pandas as pd

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
ROWS_AT_ONCE = 250_000
"""Of JSON lines: pandas needs many times the file's size while it reads."""


def read(file: str) -> "pd.DataFrame":
    """The whole file, typed."""
    if file.endswith(".parquet"):
        return pd.read_parquet(file)
    with pd.read_json(file, lines=True, chunksize=ROWS_AT_ONCE, convert_dates=["time_hour"]) as parts:
        return pd.concat(parts, ignore_index=True)


def minutes(values: "pd.Series") -> "pd.Series":
    """Clock times as minutes."""
    return values // 100 * 60 + values % 100


def add_rules(frame: "pd.DataFrame") -> list[str]:
    """A column of truth values for each rule."""
    left, arrived = frame.dep_time.notna(), frame.arr_time.notna()
    reported = frame[["arr_time", "arr_delay", "air_time"]].notna().all(axis=1)
    nothing = frame[["dep_delay", "arr_time", "arr_delay", "air_time"]].isna().all(axis=1)
    late = minutes(frame.dep_time) - minutes(frame.sched_dep_time) - frame.dep_delay
    later = minutes(frame.arr_time) - minutes(frame.sched_arr_time) - frame.arr_delay
    rules = {
        "arrival_reported": ~left | reported,
        "cancelled_says_nothing": left | nothing,
        "aircraft_named": ~left | frame.tailnum.notna(),
        "departure_delay_adds_up": late.isna() | (late % 1440 == 0),
        "arrival_delay_adds_up": ~arrived | later.isna() | (later % 1440 == 0),
        "plausible_speed": frame.air_time.isna() | (frame.distance * 60 <= frame.air_time * 600),
        "left_far_too_early": frame.dep_delay.isna() | (frame.dep_delay >= -30),
    }
    for name, holds in rules.items():
        frame[name] = holds
    return list(rules)


def main(file: str) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    import great_expectations as gx  # noqa: PLC0415 - after its warnings are silenced

    frame = read(file)
    of = gx.expectations
    expectations = [
        of.ExpectColumnValuesToNotBeNull(column=name)
        for name in (*RANGES, *PATTERNS, "origin", "time_hour")
        if name not in NULLABLE
    ]
    expectations += [
        of.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high)
        for name, (low, high) in RANGES.items()
    ]
    expectations += [of.ExpectColumnValuesToMatchRegex(column=name, regex=regex) for name, regex in PATTERNS.items()]
    expectations += [of.ExpectColumnValuesToBeInSet(column="origin", value_set=["EWR", "JFK", "LGA"])]
    expectations += [of.ExpectColumnValuesToBeInSet(column=name, value_set=[True]) for name in add_rules(frame)]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("flights")
    batch = asset.add_batch_definition_whole_dataframe("batch").get_batch(batch_parameters={"dataframe": frame})
    found = batch.validate(gx.ExpectationSuite(name="flights", expectations=expectations), result_format="BASIC")
    broken: dict[str, int] = {}
    for result in found.results:
        if result.exception_info.get("raised_exception"):
            raise RuntimeError("an expectation could not be evaluated")
        if count := result.result["unexpected_count"]:
            rule = result.expectation_config.kwargs["column"]
            broken[rule] = broken.get(rule, 0) + count
    print(json.dumps({"rows": len(frame), "broken": broken}))


if __name__ == "__main__":
    main(sys.argv[1])
