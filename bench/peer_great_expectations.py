"""The same rules in Great Expectations over a pandas frame, run by the Python of its own virtual environment.

    python peer_great_expectations.py FILE ROUNDS BATCH…

Prints a line of JSON: for each batch size and result format the median CPU µs per record, and how many rows it names as
broken. Decoding the file and building frames with typed columns is not counted, although it is most of the work of
judging JSON; a value of the wrong type becomes a null there, which the rules then find.
"""

import json
import logging
import statistics
import sys
import time
import warnings

import pandas as pd

TEXTS = ("order_id", "customer_id", "email", "currency", "status", "created_at", "address", "note")
NUMBERS = ("quantity", "total", "discount")
REQUIRED = (*TEXTS[:-1], *NUMBERS, "gift")
PATTERNS = {
    "order_id": r"^o-[0-9]{8}$",
    "customer_id": r"^c-[0-9]+$",
    "email": r"^[^@ ]+@[^@ ]+$",
    "currency": r"^[A-Z]{3}$",
}
FORMATS = ("BOOLEAN_ONLY", "COMPLETE")


def suite(gx, context):  # noqa: ANN001, ANN201 - types of a library that is not installed where this is checked
    """The contract's rules as expectations."""
    of = gx.expectations
    rules = [of.ExpectColumnValuesToNotBeNull(column=name) for name in REQUIRED]
    rules += [of.ExpectColumnValuesToMatchRegex(column=name, regex=regex) for name, regex in PATTERNS.items()]
    rules += [
        of.ExpectColumnValuesToBeInSet(column="status", value_set=["NEW", "PAID", "SENT"]),
        of.ExpectColumnValuesToBeBetween(column="quantity", min_value=1, max_value=1000),
        of.ExpectColumnValuesToBeBetween(column="total", min_value=0),
        of.ExpectColumnValuesToBeBetween(column="discount", min_value=0),
        of.ExpectColumnValueLengthsToBeBetween(column="address", max_value=300),
        of.ExpectColumnValuesToMatchStrftimeFormat(column="created_at", strftime_format="%Y-%m-%dT%H:%M:%S.%fZ"),
        of.ExpectColumnPairValuesAToBeGreaterThanB(column_A="total", column_B="discount", or_equal=True),
    ]
    return context.suites.add(gx.ExpectationSuite(name="orders", expectations=rules))


def frame_of(lines: list[str]) -> "pd.DataFrame":
    """Typed columns."""
    frame = pd.DataFrame.from_records([json.loads(line) for line in lines])
    for name in NUMBERS:
        typed = frame[name].map(lambda value: value if type(value) in (int, float) else None)
        frame[name] = pd.to_numeric(typed)
    return frame


def main(file: str, rounds: int, sizes: list[int]) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    import great_expectations as gx  # noqa: PLC0415 - after its warnings are silenced

    with open(file) as source:  # noqa: PTH123 - the shortest way in a script without our library
        lines = source.readlines()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("orders")
    definition = asset.add_batch_definition_whole_dataframe("batch")
    checks = suite(gx, context)
    results = []
    for size in sizes:
        frames = [frame_of(lines[start : start + size]) for start in range(0, len(lines), size)]
        for format_ in FORMATS:
            spent, broken = [], 0
            for _ in range(rounds):
                began_s = time.process_time()
                named = [validate(definition, checks, frame, format_) for frame in frames]
                spent.append((time.process_time() - began_s) / len(lines) * 1e6)
                broken = sum(named)
            results.append({"batch": size, "format": format_, "us": statistics.median(spent), "broken": broken})
    print(json.dumps(results))


def validate(definition, checks, frame, format_: str) -> int:  # noqa: ANN001 - as above
    """Judge one frame; returns how many rows are named as broken (0 where only yes or no was asked for)."""
    batch = definition.get_batch(batch_parameters={"dataframe": frame})
    found = batch.validate(checks, result_format=format_)
    if any(result.exception_info.get("raised_exception") for result in found.results):
        raise RuntimeError("an expectation could not be evaluated")
    rows = set()
    for result in found.results:
        rows.update(result.result.get("unexpected_index_list") or ())
    return len(rows)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), [int(size) for size in sys.argv[3:]])
