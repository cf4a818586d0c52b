"""Schemas of other formats as drafts of contracts, with everything that a contract has no words for.

    bytes ── schema_text ──► JSON data, under limits, numbers exact
    JSON data ── dialect, reference, conjunction ──► for each value the parts that must all hold
    parts ── demand, scalar, object_shape ──► json_schema: FieldDrafts and rules, with remarks
    JSON data ── avro ──► FieldDrafts, with remarks
    RecordDraft ── schema, draft.text ──► Imported: the document and its remarks

A contract has one type for a field, no alternatives and no conditions; a schema has no strict reading of JSON. What
cannot be said is left out, never narrowed: the contract then passes what the schema refuses, and says so. The few words
that both have and read differently (formats, white space in patterns) are said apart. Pure; nothing is ever fetched.
"""
