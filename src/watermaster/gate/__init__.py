"""The gate's judgement: (checks, batch, now) -> verdicts. Pure: no I/O, no clock.

Two lanes give the same verdicts. The *fast lane* (types compiled once for msgspec, RE2 patterns, closures) accepts
most good records in a few microseconds and never accepts what the exact lane refuses. Whatever it is not sure of goes
to the *exact lane*, which reads strictly and names every broken rule.
"""
