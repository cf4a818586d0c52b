"""Broken documents come out as exact code, line and nearest name; nothing that is read ever raises."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watermaster.contract.activation import CONTRACT_BYTES_MAX
from watermaster.contract.document import read_contract
from watermaster.contract.yaml_text import DEPTH_MAX, read_yaml

EXAMPLES = Path(__file__).parent / "examples"
HEAD = "apiVersion: v3.2.0\nkind: DataContract\nid: x\nversion: '1'\n"
OBJECT = HEAD + "schema:\n  - name: o\n    properties:\n"  # properties start in line 8
RULES = HEAD + "schema:\n  - name: o\n    quality:\n"  # rules start in line 8

# text, code, line, what the message or hint says
BROKEN = [
    ("", "yaml.empty", 1, "empty"),
    ("# only a comment\n", "yaml.empty", 1, "empty"),
    ("- a\n", "schema.not_a_contract", 1, "no mapping"),
    ("just text", "schema.not_a_contract", 1, "no mapping"),
    (HEAD + "name:\n\tx: 1\n", "yaml.tab", 6, "a tab indents"),
    (HEAD + "name: a: b\n", "yaml.syntax", 5, "needs quotes"),
    (HEAD + 'name: "a\n', "yaml.syntax", 6, "never closed"),
    (HEAD + "name: [a\n", "yaml.syntax", 6, ""),
    (HEAD + 'name: "\\U00110000"\n', "yaml.syntax", 5, ""),
    (HEAD + "id: y\n", "yaml.duplicate_key", 5, "line 3"),
    (HEAD + "---\nid: y\n", "yaml.documents", 5, "one contract"),
    (HEAD + "name: *nowhere\n", "yaml.alias", 5, "no anchor"),
    (HEAD + "name: &a [*a]\n", "yaml.alias", 5, "no anchor"),
    (HEAD + "name: &a {x: 1}\ntags:\n  <<: *a\n", "yaml.merge", 7, "merge keys"),
    (HEAD + "name: !!python/object:os.system x\n", "yaml.tag", 5, "tag"),
    (HEAD + "1: x\n", "yaml.key", 5, "quotes"),
    (HEAD + "? [a]\n: x\n", "yaml.key", 5, "plain texts"),
    (HEAD + "price: {priceAmount: .nan}\n", "yaml.number", 5, "exactly"),
    (HEAD + "price: {priceAmount: 1e400}\n", "yaml.number", 5, "exactly"),
    (HEAD + "price: {priceAmount: 1.00000000000000000001}\n", "yaml.number", 5, "exactly"),
    (HEAD + "price: {priceAmount: " + "9" * 5000 + "}\n", "yaml.number", 5, "exactly"),
    (HEAD + "name: a\x07b\n", "yaml.encoding", 5, "U+0007"),
    (HEAD.replace("'1'", "1.10"), "schema.type", 4, "'version' must be a text"),
    (HEAD.replace("'1'", "no"), None, 0, ""),
    (HEAD.replace("v3.2.0", "v2.2.2"), "schema.version", 1, "Migrate"),
    (HEAD.replace("v3.2.0", "3.2.0"), "schema.unknown_value", 1, "Did you mean 'v3.2.0'?"),
    (HEAD + "dataContractSpecification: 1.1.0\n", "schema.not_a_contract", 5, "Convert"),
    (HEAD.replace("id: x\n", ""), "schema.missing_key", 1, "lacks the key 'id'"),
    (HEAD + "statsu: active\n", "schema.unknown_key", 5, "Did you mean 'status'?"),
    (HEAD + "description: hi\n", "schema.type", 5, "must be a mapping, not a text"),
    (HEAD + "team: {nam: x}\n", "schema.unknown_key", 5, "Did you mean 'name'?"),
    (HEAD + "team: x\n", "schema.type", 5, "a mapping or a list, not a text"),
    (HEAD + "servers:\n- {server: a, type: kafka, hos: b}\n", "schema.missing_key", 6, "'host'"),
    (HEAD + "servers:\n- {server: a, type: kafkaa, host: b}\n", "schema.unknown_value", 6, "Did you mean 'kafka'?"),
    (HEAD + "slaProperties:\n- {property: a, value: [1]}\n", "schema.type", 6, "not a list"),
    (OBJECT + "    - {logicalType: string}\n", "schema.missing_key", 8, "lacks the key 'name'"),
    (OBJECT + "    - {name: a, logicalTyp: string}\n", "schema.unknown_key", 8, "Did you mean 'logicalType'?"),
    (OBJECT + "    - {name: a, logicalType: strin}\n", "schema.unknown_value", 8, "Did you mean 'string'?"),
    (OBJECT + "    - {name: a, logicalType: map}\n", "schema.missing_key", 8, "lacks the key 'map'"),
    (OBJECT + "    - {name: a, properties: []}\n", "schema.misplaced_key", 8, "`logicalType: object`"),
    (OBJECT + "    - {name: a, required: yes}\n", "schema.type", 8, "write `true` or `false`"),
    (OBJECT + "    - {name: a, logicalType: string, enum: [A]}\n", "schema.type", 8, "Write `- value: A`."),
    (
        OBJECT + "    - name: a\n      logicalType: string\n      logicalTypeOptions:\n        minLenght: 1\n",
        "schema.unknown_key",
        11,
        "Did you mean 'minLength'?",
    ),
    (
        OBJECT + "    - {name: a, logicalType: integer, logicalTypeOptions: {format: i33}}\n",
        "schema.unknown_value",
        8,
        "i32",
    ),
    (RULES + "    - {type: custom, engine: cel}\n", "schema.missing_key", 8, "'implementation'"),
    (RULES + "    - {metric: rowCount}\n", "schema.missing_key", 8, "needs an operator"),
    (RULES + "    - {metric: rowCount, mustBe: 1, mustNotBe: 2}\n", "schema.value", 8, "several operators"),
    (RULES + "    - {metric: rowCount, mustBeLessThan: '5'}\n", "schema.type", 8, "must be a number"),
    (RULES + "    - {type: custom, engine: cel, implementation: 3}\n", "schema.type", 8, "a text or a mapping"),
    (
        OBJECT + "    - {name: a, relationships: [{from: a.b, to: c.d}]}\n",
        "schema.misplaced_key",
        8,
        "must not have the key 'from'",
    ),
    (
        HEAD + "schema:\n  - {name: o, relationships: [{from: a.b}]}\n",
        "schema.missing_key",
        6,
        "lacks the key 'to'",
    ),
    (
        HEAD + "schema:\n  - {name: o, relationships: [{from: a.b, to: c}]}\n",
        "schema.value",
        6,
        "object.property",
    ),
    (RULES + "    - {id: a b, type: text}\n", "schema.value", 8, "'id' is refused"),
]


@pytest.mark.parametrize(("text", "code", "line", "says"), BROKEN)
def test_broken_documents(text: str, code: str | None, line: int, says: str) -> None:
    problems = read_contract(text.encode(), "c.yaml").problems
    if code is None:
        assert problems == ()
        return
    first = problems[0]
    assert (first.code, first.line) == (code, line), str(first)
    assert says in f"{first.message} {first.hint}"
    assert first.source == "c.yaml"


@pytest.mark.parametrize(
    "text",
    [
        OBJECT + "    - {name: a, logicalTyp: object, properties: []}\n",
        RULES + "    - {type: custom, engine: cel, implementation: 3}\n",
        RULES + "    - {metric: rowCount}\n",
        HEAD + "schema:\n  - {name: o, relationships: [{from: a.b}]}\n",
        OBJECT + "    - {name: a, relationships: [{from: a.b, to: c.d}]}\n",
        HEAD + "servers:\n- {server: a, host: b, port: 1}\n",
        OBJECT + "    - {name: a, logicalType: 3}\n",
        HEAD + "servers:\n- {server: a, type: kafkaa, host: b}\n",
    ],
)
def test_one_mistake_is_one_problem(text: str) -> None:
    assert len(read_contract(text.encode(), "c").problems) == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xef\xbb\xbf" + HEAD.encode(), "byte order mark"),
        (HEAD.encode("utf-16"), "UTF-16"),
        (HEAD.encode() + b"name: \xff\n", "not UTF-8"),
        (b"a" * (CONTRACT_BYTES_MAX + 1), "larger than"),
    ],
)
def test_bytes_that_are_no_text(data: bytes, says: str) -> None:
    (problem,) = read_contract(data, "c").problems
    assert says in problem.message


def test_aliases_are_bounded_by_what_they_expand_to() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    laughs += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    (problem,) = read_contract((HEAD + laughs).encode(), "c").problems
    assert problem.code == "yaml.nodes"


def test_depth_is_bounded_also_through_aliases() -> None:
    deep = "[" * (DEPTH_MAX + 2) + "]" * (DEPTH_MAX + 2)
    assert read_yaml(f"a: {deep}".encode(), "c").problems[0].code == "yaml.depth"
    half = "[" * 40 + "]" * 40
    aliased = f"a: &a {half}\nb: {'[' * 40}*a{']' * 40}\n"
    assert read_yaml(aliased.encode(), "c").problems[0].code == "yaml.depth"
    assert read_yaml(b"a: " + b"[" * 100_000, "c").problems[0].code == "yaml.depth"


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = "[no, on, 2024-01-01, 12:30, 010, 0x1F, 0o17, 1_000, ~, null, True, 1.5, .5, 1e3, '1', !!str 1, -7]"
    assert read_yaml(text.encode(), "c").data == [
        *("no", "on", "2024-01-01", "12:30", 10, 31, 15, "1_000", None, None, True),
        *(1.5, 0.5, 1000.0, "1", "1", -7),
    ]


def test_problems_are_bounded() -> None:
    text = HEAD + "".join(f"unknown{n}: 1\n" for n in range(1000))
    assert 1 < len(read_contract(text.encode(), "c").problems) <= 100


def test_a_problem_names_file_line_column_path_and_hint() -> None:
    text = OBJECT + "    - {name: a, logicalType: strin}\n"
    (problem,) = read_contract(text.encode(), "orders.odcs.yaml").problems
    assert str(problem).startswith("orders.odcs.yaml:8:17: $.schema[0].properties[0].logicalType: 'logicalType' cannot")
    assert "Did you mean 'string'?" in str(problem)
    assert str(problem).endswith("[schema.unknown_value]")


def test_the_hash_is_that_of_the_exact_bytes() -> None:
    data = (EXAMPLES / "shop_orders.odcs.yaml").read_bytes()
    assert read_contract(data, "c").content_hash == "sha256:" + hashlib.sha256(data).hexdigest()
    assert read_contract(data + b"\n", "c").content_hash != read_contract(data, "c").content_hash


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.odcs.yaml")), ids=lambda path: path.name)
def test_examples_are_valid_and_whole(path: Path) -> None:
    read = read_contract(path.read_bytes(), path.name)
    assert read.problems == ()
    assert read.document == yaml.load(path.read_text(), Loader=_core_loader())


def _core_loader() -> type[yaml.SafeLoader]:
    """An independent reading: PyYAML's own, without its dates, octals, sexagesimals and yes/no."""

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012
            first: [(tag, regex) for tag, regex in entries if tag.rsplit(":", 1)[1] in ("int", "float", "null")]
            for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    import re

    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))
    return Loader


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    read_contract(data, "c")


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@`,? \n\t0.~\\xU\ud7ff<", max_size=80))
def test_no_text_raises(text: str) -> None:
    read_contract(text.encode(), "c")


_KEYS = st.sampled_from(
    [
        *("schema", "properties", "items", "name", "logicalType", "logicalTypeOptions", "quality", "enum", "value"),
        *("map", "key", "type", "engine", "implementation", "metric", "team", "servers", "customProperties", "x"),
        *("property", "vendor", "members", "mustBe", "to", "from", "relationships", "context", "host", "version"),
    ]
)
_LEAVES = st.sampled_from(
    ["object", "array", "string", "map", "vector", "cel", "custom", "kafka", "watermaster", "key", 1, 1.5, True, None]
)
_TREES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5), max_leaves=25
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_KEYS, _TREES, max_size=5))
def test_no_document_raises_and_every_problem_has_a_place(tree: dict[str, object]) -> None:
    document = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "x", **tree}
    for problem in read_contract(yaml.safe_dump(document).encode(), "c").problems:
        assert problem.line is not None
        assert problem.message
