"""The gate's judgement: (checks, batch, now) -> verdicts. Pure: no I/O, no clock.

There is one engine (`value_check`, `rule_check`) that judges a decoded document and names every broken rule, and there
are three ways to a verdict:

- The *exact lane* (`exact` with `strict_json`): the standard library's decoder, told to be strict. It defines what is
  right: a verdict is what this lane says.
- The *middle way* (`exact` with `swift_json`): the same engine over the same document, decoded by msgspec wherever the
  two decoders can differ in nothing. Held records and records with unknown fields come this way.
- The *fast lane* (`fast`): types compiled once for msgspec (`typed_record`), and proofs over blocks of records
  (`proof`). It only ever says "surely good"; whatever it cannot prove goes the middle way.

Invariant: the fast lane never passes what the exact lane holds, drops or warns of; the middle way gives the exact
lane's verdict to the letter. `tests/gate/test_lanes_agree.py` holds both to it on random contracts and bytes.

Simple CEL rules become closures (`expression`, `closure`) or comparisons of columns; a closure gives what CEL gives,
or leaves the record to CEL. No source text is ever evaluated. Reasons (`reasons`, `breach`) are constants made at
compile time and never hold a value of a record.
"""
