"""What a person should hear of a contract before it judges: everything that is wrong with it, and what looks wrong.

    bytes ── document, compiler ──► problems (`error`: the contract cannot be used)
    checks ── field_advice, rule_advice, pattern_anchor ──► advice (`warning`: it hardly means this)
    Checks.unjudged ──► notes (`note`: what no record is judged by)

Errors are those that reading and compiling give; nothing is checked twice. Advice is only given where it follows from
the contract alone, so that a warning is worth reading. Pure.
"""
