"""From the summary of a stream to the draft of its contract."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from watermaster.contract.activation import CONTRACT_BYTES_MAX
from watermaster.contract.checks import FRAMED_ENCODINGS, Encoding
from watermaster.contract.draft import ContractDraft, FieldDraft, KeyDraft, RuleDraft
from watermaster.contract.draft.cel_text import cel_text, is_cel_name
from watermaster.contract.draft.text import contract_id, draft_text
from watermaster.contract.inference.evidence import FORMAT_MIN, KEY_MIN, UNIQUE_MIN, VARIANT_MIN, share
from watermaster.contract.inference.field_proposal import (
    Extent,
    propose_members,
    propose_value,
    uses_names_as_data,
)
from watermaster.contract.inference.identity import is_unique
from watermaster.contract.inference.number_rule import number_rule
from watermaster.contract.inference.personal import Sensitivity, looks_sensitive
from watermaster.contract.inference.stream_summary import KeySummary, StreamSummary
from watermaster.contract.inference.variants import Discriminator, MemberPath, find_discriminator
from watermaster.contract.official_schema import RECORD_KEY

DEPTHS: Final = (20, 12, 8, 6, 4, 3, 2, 1)
"""Tried in turn until the contract is small enough; twenty levels of objects are what a document may nest."""
FIELDS_MAX: Final = 5_000
RULE_MEMBERS_MAX: Final = 20
"""More members in one rule would not be read."""

_NAMES_SOMEBODY: Final = Sensitivity("", "a key may name a person")
_PLAIN_VALUE: Final = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*", re.ASCII)
"""A value of a discriminator that may stand in a comment."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the records were seen (`place`, for people), and the stream that the contract is for."""

    place: str
    stream: str
    physical_type: str = "topic"
    encoding: Encoding = Encoding.JSON
    """Of its values, on the stream."""
    key_encoding: Encoding = Encoding.STRING


def propose(summary: StreamSummary, origin: Origin) -> ContractDraft:
    """The draft. No record of the sample that a contract without rules passes is held by it."""
    for depth in DEPTHS:
        draft = _propose(summary, origin, Extent(depth, FIELDS_MAX))
        if len(draft_text(draft).encode()) <= CONTRACT_BYTES_MAX // 2:
            break
    return draft


def _propose(summary: StreamSummary, origin: Origin, extent: Extent) -> ContractDraft:
    root = summary.root
    fields = () if uses_names_as_data(root) else propose_members(root, (), extent)
    fields = tuple(_with_uniqueness(field, summary) for field in fields)
    discriminator = find_discriminator(summary.variants)
    rules = (*_clock_rules(fields, summary), *_variant_rules(fields, discriminator))
    name = contract_id(origin.stream)
    return ContractDraft(
        id=name,
        object_name=name,
        physical_name=origin.stream,
        physical_type=origin.physical_type,
        fields=fields,
        rules=rules,
        key=_key(summary, origin, extent.depth_max),
        encoding=origin.encoding,
        comments=(*_preface(summary, origin), *_about_variants(summary, discriminator)),
    )


def _preface(summary: StreamSummary, origin: Origin) -> Iterator[str]:
    learnt = summary.root.count
    yield f"Drafted from {learnt:,} records of {origin.place}. Read it, and make it say what must hold."
    yield "A rule stands only where all of these records keep it and there are enough of them; the comment above each"
    yield "field has the evidence. Ranges are wider than what was seen. Fields that are not listed are allowed."
    for code, count in summary.passed_over.most_common(10):
        yield f"{count:,} records taught nothing: {code}"
    if summary.tombstones:
        yield f"{summary.tombstones:,} records had no value (tombstones), which pass unless you write otherwise."
    if uses_names_as_data(summary.root):
        yield "The names of the members are data, so none is described: the whole record is a map."


def _with_uniqueness(field: FieldDraft, summary: StreamSummary) -> FieldDraft:
    found = summary.identities.fields.get(field.name)
    if found is None or not field.required or found.count < UNIQUE_MIN or found.count != summary.root.count:
        return field
    if summary.identities.equal_to_key.get(field.name) == summary.keys.count - summary.keys.missing > 0:
        field = replace(field, comments=(*field.comments, "the same as the record's key"))
    if not is_unique(found):
        return field
    if found.complete:
        return replace(field, unique=True, comments=(*field.comments, "no two records have the same"))
    said = f"no two of the first {len(found.values):,} records have the same: perhaps `unique: true`"
    return replace(field, comments=(*field.comments, said))


def _clock_rules(fields: Sequence[FieldDraft], summary: StreamSummary) -> Iterator[RuleDraft]:
    for field in fields:
        numbers = summary.root.members[field.name].numbers
        if field.logical_type != "integer" or numbers is None or not is_cel_name(field.name):
            continue
        sensitive = looks_sensitive((field.name,), None) is not None
        if number_rule(field.name, numbers, sensitive=sensitive).clock:
            there = f"!has(this.{field.name}) || this.{field.name} == null || "
            yield RuleDraft(
                f"{field.name}_is_a_time_of_day",
                f"{'' if field.required else there}this.{field.name} % 100 < 60",
                f"The last two digits of {field.name} are minutes.",
            )


def _variant_rules(fields: Sequence[FieldDraft], discriminator: Discriminator | None) -> Iterator[RuleDraft]:
    if discriminator is None or not is_cel_name(discriminator.name):
        return
    field = next((field for field in fields if field.name == discriminator.name), None)
    if field is None or field.classification is not None:
        return
    there = "" if field.required else f"!has(this.{field.name}) || "
    known = {field.name: field for field in fields}
    ids: set[str] = set()
    for value, (records, members) in sorted(discriminator.always.items()):
        asked = [path for path in sorted(members) if _worth_asking(path, members, known)][:RULE_MEMBERS_MAX]
        if records < VARIANT_MIN or not asked:
            continue
        needs = " && ".join(f"has(this.{'.'.join(path)}) && this.{'.'.join(path)} != null" for path in asked)
        yield RuleDraft(
            _new_id(f"{discriminator.name}_{re.sub(r'[^A-Za-z0-9]+', '_', value).strip('_') or 'empty'}", ids),
            f"{there}this.{discriminator.name} != {cel_text(value)} || ({needs})",
            f"Where {discriminator.name} is {value}, these members are there.",
            (f"in all {records:,} records of this variant",),
        )


def _new_id(wanted: str, taken: set[str]) -> str:
    """`a.b` and `a-b` are two variants, and their rules have two names."""
    found, number = wanted, 1
    while found in taken:
        number += 1
        found = f"{wanted}_{number}"
    taken.add(found)
    return found


def _worth_asking(path: MemberPath, members: frozenset[MemberPath], known: Mapping[str, FieldDraft]) -> bool:
    """A member that this variant always has and that is not required anyway, at a path that CEL can name."""
    field = known.get(path[0])
    if field is None or not all(map(is_cel_name, path)) or path[:1] not in members:
        return False
    if len(path) == 1:
        return not field.required
    inner = next((child for child in field.properties if child.name == path[1]), None)
    return inner is not None and not inner.required


def _about_variants(summary: StreamSummary, discriminator: Discriminator | None) -> Iterator[str]:
    if discriminator is None:
        return
    count = len(discriminator.always)
    yield f"{discriminator.name} tells {count} variants apart; what each always has stands as a rule if"
    yield f"{VARIANT_MIN} records of it were seen."
    if looks_sensitive((discriminator.name,), None) is not None:
        return
    for value, (records, _) in sorted(discriminator.always.items(), key=lambda item: -item[1][0])[:20]:
        if _PLAIN_VALUE.fullmatch(value):
            yield f"  {value}: {share(records, summary.variants.records)}"


def _key(summary: StreamSummary, origin: Origin, depth_max: int) -> KeyDraft | None:
    """Keys that name schemas are described; others are asked for only where every record had one, as text."""
    same = [name for name, count in summary.identities.equal_to_key.items() if count == summary.keys.count]
    said = (f"the same as {same[0]}",) if same else ()
    if origin.key_encoding in FRAMED_ENCODINGS:
        return _framed_key(summary.keys, origin.key_encoding, Extent(depth_max, FIELDS_MAX), said)
    return _text_key(summary.keys, said)


def _framed_key(keys: KeySummary, encoding: Encoding, extent: Extent, said: tuple[str, ...]) -> KeyDraft:
    """No value of a key that is one value is used: it may name a person, and new ones come all the time."""
    there = keys.count - keys.missing
    found = propose_value((RECORD_KEY,), keys.documents, _NAMES_SOMEBODY, extent)
    required = KEY_MIN <= there == keys.count and not keys.documents.nulls
    comments = (f"a key that names a schema, in {share(there, keys.count)}", *found.comments, *said)
    return KeyDraft(required, replace(found, comments=()), encoding, comments)


def _text_key(keys: KeySummary, said: tuple[str, ...]) -> KeyDraft | None:
    if keys.count < KEY_MIN or keys.missing or keys.opaque:
        return None
    options = {}
    if keys.texts.count >= FORMAT_MIN and keys.texts.formats[:1] == ("uuid",):
        options["format"] = "uuid"
    comments = (f"a key, as text, in all {keys.count:,} records", *said)
    return KeyDraft(required=True, described=FieldDraft("", "string", options=options), comments=comments)
