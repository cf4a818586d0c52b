"""datacontract-cli over the files that a contract names, run by the Python of its own virtual environment.

    python peer_flights_datacontract.py CONTRACT

Prints a line of JSON: rows, and by rule how many break it. Its test of JSON files looks at them a second time, with a
JSON Schema validator, which stops at the first thousand errors.
"""

import json
import logging
import sys

from datacontract.data_contract import DataContract


def main(contract: str) -> None:
    logging.disable(logging.CRITICAL)
    broken: dict[str, int] = {}
    rows = 0
    run = DataContract(data_contract_file=contract).test()
    for check in run.checks:
        found = check.diagnostics or {}
        rows = max(rows, found.get("row_count") or 0)
        count = found.get("value") or 0
        if check.result.value == "failed" and count:
            rule = check.field or check.qualityId or check.key
            broken[rule] = broken.get(rule, 0) + count
    print(json.dumps({"rows": rows, "broken": broken}))


if __name__ == "__main__":
    main(sys.argv[1])
