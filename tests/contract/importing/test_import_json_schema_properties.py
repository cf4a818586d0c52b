"""What an imported contract promises: it holds nothing that the schema accepts, and, fully understood, judges alike."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.importing.judging import broken, compiled, imported, is_said
from tests.contract.importing.schema_strategies import documents, loosened, members, whole, wild

from watermaster.contract.importing.imported import Imported
from watermaster.contract.importing.keyword import MAY_BE_NULL
from watermaster.contract.importing.schema import import_schema
from watermaster.gate.exact import ExactLane

DIALECTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-04/schema#",
)
SLOW = settings(max_examples=250, suppress_health_check=list(HealthCheck))


@SLOW
@given(st.data())
def test_what_is_understood_completely_is_judged_alike(data: st.DataObject) -> None:
    schema = data.draw(whole())
    found = imported(schema)
    assert found.remarks == ()
    lane, validator = ExactLane(compiled(found)), jsonschema_rs.validator_for(schema)
    for _ in range(6):
        document = data.draw(members(schema, schema))
        assert (broken(lane, document) == []) is validator.is_valid(document), (document, found.text)


@SLOW
@given(st.data())
def test_what_is_understood_in_part_holds_nothing_that_is_accepted(data: st.DataObject) -> None:
    schema = data.draw(whole(mixed=True).flatmap(loosened))
    found = import_schema(json.dumps(schema).encode(), "s.json", "orders")
    if not isinstance(found, Imported):
        assert found.code == "import.root"
        return
    lane, validator = ExactLane(compiled(found)), jsonschema_rs.validator_for(schema, validate_formats=True)
    for _ in range(6):
        document = data.draw(members(schema, schema) if "properties" in schema else documents(schema, schema))
        if isinstance(document, dict) and validator.is_valid(document):
            held = [one for one in broken(lane, document) if not is_said(one, found)]
            assert held == [], (document, found.text)


@SLOW
@given(st.data())
def test_it_holds_nothing_that_the_schema_accepts_but_what_is_said(data: st.DataObject) -> None:
    schema = data.draw(wild().filter(lambda one: isinstance(one, dict)))
    schema |= {"$defs": {"one": data.draw(wild(1)), "two": {**data.draw(whole(1)), "$anchor": "two"}}}
    del schema["$defs"]["two"]["$schema"]
    if data.draw(st.integers(0, 3)):
        schema["type"] = "object"
    schema |= data.draw(st.sampled_from([{}, *({"$schema": name} for name in DIALECTS)]))
    found = import_schema(json.dumps(schema).encode(), "s.json", "orders")
    if not isinstance(found, Imported):
        assert found.code in ("import.schema", "import.root", "import.reference")
        return
    lane = ExactLane(compiled(found))
    try:
        validator = jsonschema_rs.validator_for(schema, validate_formats=True, offline=True)
    except (jsonschema_rs.ValidationError, ValueError):
        return  # a pattern that is none, an anchor that its draft does not know
    nulls_alone = all(remark.why == MAY_BE_NULL for remark in found.remarks)
    for _ in range(6):
        document = data.draw(st.one_of(documents(schema, schema), members(schema, schema)))
        reasons, accepted = broken(lane, document), validator.is_valid(document)
        if not isinstance(document, dict):
            assert not accepted or is_said(reasons[0], found)
            continue
        assert not accepted or all(is_said(one, found) for one in reasons), (document, reasons, found.text)
        if nulls_alone and "null" not in json.dumps(document) and '"integer"' not in json.dumps(schema):
            assert accepted or reasons, (document, found.text)


@settings(max_examples=200)
@given(st.dictionaries(st.text(max_size=4), st.text(max_size=4), min_size=1, max_size=4))
def test_any_text_can_be_a_name_a_value_and_a_description(texts: dict[str, str]) -> None:
    properties = {
        name: {"enum": [text, None], "description": text, "default": text, "title": name, "pattern": text}
        for name, text in texts.items()
    }
    checks = compiled(imported({"type": "object", "properties": properties, "title": next(iter(texts))}))
    assert {check.name: check.enum for check in checks.value.properties} == {n: (t,) for n, t in texts.items()}


@pytest.mark.parametrize(
    ("name", "text", "accepted", "passed"),
    [
        ("date", "2024-02-29", True, True),
        ("date", "2024-02-30", False, False),
        ("date", "0000-01-01", True, False),
        ("date-time", "2024-05-01t10:20:30.5z", True, True),
        ("date-time", "2024-05-01T10:20:30", False, False),
        ("date-time", "2016-12-31T23:59:60Z", True, False),
        ("time", "10:20:30+02:00", True, True),
        ("time", "10:20:30", False, False),
        ("uuid", "123E4567-e89b-12d3-a456-426614174000", True, True),
        ("uuid", "123e4567e89b12d3a456426614174000", False, False),
        ("email", "a.b@c.example", True, True),
        ("email", "a@localhost", True, False),
        ("ipv4", "1.2.3.4", True, True),
        ("ipv4", "1.2.3.04", False, False),
        ("ipv6", "::ffff:1.2.3.4", True, True),
        ("hostname", "a-b.example", True, True),
        ("hostname", "a_b", False, False),
        ("uri", "urn:x:y", True, True),
        ("uri", "/x", False, False),
    ],
)
def test_formats_as_validators_and_as_contracts_read_them(name: str, text: str, accepted: bool, passed: bool) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "format": name}}, "required": ["a"]}
    assert jsonschema_rs.validator_for(schema, validate_formats=True).is_valid({"a": text}) is accepted
    assert (broken(ExactLane(compiled(imported(schema))), {"a": text}) == []) is passed
