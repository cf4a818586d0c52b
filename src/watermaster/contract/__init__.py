"""Contracts: ODCS v3.2 documents read, checked against the official schema and compiled into `Checks`.

Pure: documents come in as bytes, problems go out as values with line, path, nearest valid name and a hint.

    bytes ── yaml_text ──► plain data with positions ── official_schema ──► ReadResult     (`document.read_contract`)
    ReadResult ── fields, options, rules, extension ──► Checks, one for each stream        (`compiler.compile_contract`)
    Checks ── plain ──► sentences for people;  two Checks ── change ──► what is stricter, what is looser

What a contract asks and no single record can be judged by (uniqueness, SQL, metrics, texts) is an assertion: the
compiler names it in `Checks.unjudged`, and nothing is passed over in silence. What cannot be judged because the
contract contradicts itself, or asks for what has no linear-time or machine-independent meaning, is a problem.

Invariant: the same bytes give the same checks on every machine. Hence no regular expressions beyond RE2 (`pattern`),
no time zone data and no locale (`temporal`, `jdk_format`), exact decimals, and no code in a contract but CEL (`cel`).
"""
