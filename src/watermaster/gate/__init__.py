"""The gate's judgement: (checks, batch, now) -> verdicts. Pure: no I/O, no clock.

There is one engine (`value_check`, `rule_check`) that judges a decoded document and names every broken rule, and there
are four ways to a verdict:

- The *exact lane* (`exact` with `strict_json`): the standard library's decoder, told to be strict. It defines what is
  right: a verdict is what this lane says.
- The *middle way* (`exact` with `swift_json`): the same engine over the same document, decoded by msgspec wherever the
  two decoders can differ in nothing. Few doubtful records among many good ones come this way, and those with unknown
  fields.
- The *column lane* (`column_lane`, with `column` and `row_rule`): judges doubtful records in blocks. Columns say which
  values are suspect, the engine's checkers name what those break, and simple rules are judged as columns. What it
  cannot read with certainty goes the middle way.
- The *fast lane* (`fast`): types compiled once for msgspec (`typed_record`), and proofs over blocks of records
  (`proof`). It only ever says "surely good"; whatever it cannot prove goes to the column lane.

Invariant: the fast lane never passes what the exact lane holds, drops or warns of; the middle way and the column lane
give the exact lane's verdict to the letter. `tests/gate/test_lanes_agree.py` holds them to it on random
contracts and bytes.

Simple CEL rules become closures (`expression`, `closure`) or passes over columns (`rule_column`); a closure gives what
CEL gives, or leaves the record to CEL, and columns give what closures give, or leave the block to them. No source text
is ever evaluated. Reasons (`reasons`, `breach`) are constants made at compile time and never hold a value of a record.
"""
