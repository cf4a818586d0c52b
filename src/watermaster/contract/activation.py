"""Activations: the numbered moments from which one exact contract is in force for a stream.

They stand in a compacted control topic under keys that are never used twice, so that compaction keeps all of them:

    contract/<sha256:…>         the exact bytes of the document
    activation/<stream>/<n>/<…>   which contract is in force from n on, who said so and why; the key ends in a part of
                                the contract's hash, so that of two writers of one number both stay and the first counts
    resume/<gate>/<stream>      an operator lets a paused stream go on (the newest wins)

Rolling back is a new activation of an older contract. The same contract version with other bytes is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import msgspec

CONTRACT_PREFIX = "contract/"
ACTIVATION_PREFIX = "activation/"
RESUME_PREFIX = "resume/"

CONTRACT_BYTES_MAX = 900_000
"""A contract must fit into one record of a topic with Kafka's default `max.message.bytes`."""


class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """One switch. `stream` is the landing topic, `contract` the content hash, `at_ms` the wall clock of the writer."""

    number: int
    stream: str
    contract: str
    contract_id: str
    contract_version: str
    by: str
    at_ms: int
    why: str = ""


_decode = msgspec.json.Decoder(Activation).decode
_encode = msgspec.json.Encoder().encode


def content_hash(document: bytes) -> str:
    """The name of a contract's exact bytes."""
    return "sha256:" + hashlib.sha256(document).hexdigest()


def contract_key(hash_: str) -> bytes:
    """The control topic's key of a contract."""
    return (CONTRACT_PREFIX + hash_).encode()


def activation_key(activation: Activation) -> bytes:
    """The control topic's key of an activation."""
    short_hash = activation.contract.removeprefix("sha256:")[:12]
    return f"{ACTIVATION_PREFIX}{activation.stream}/{activation.number}/{short_hash}".encode()


def resume_key(gate: str, stream: str) -> bytes:
    """The control topic's key of an operator's word to a paused gate."""
    return f"{RESUME_PREFIX}{gate}/{stream}".encode()


class _Word(msgspec.Struct):
    activation: int = 0


_decode_word = msgspec.json.Decoder(_Word).decode


def resumed_activation(word: bytes | None) -> int | None:
    """The activation for which an operator let a stream go on; None if nobody did, or the word is not readable."""
    if word is None:
        return None
    try:
        return _decode_word(word).activation
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None


def encode_activation(activation: Activation) -> bytes:
    """The control topic's value of an activation."""
    return _encode(activation)


@dataclass(slots=True)
class ControlState:
    """What the control topic says, folded record by record. Applying a record twice changes nothing."""

    contracts: dict[str, bytes] = field(default_factory=dict)
    activations: dict[str, dict[int, Activation]] = field(default_factory=dict)
    resumes: dict[str, bytes] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    """Keys whose value is not what the key says; shown, and never acted upon."""

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Fold one record in."""
        name = (key or b"").decode("utf-8", "replace")
        if value is None:
            return
        if name.startswith(CONTRACT_PREFIX):
            self._apply_contract(name, value)
        elif name.startswith(ACTIVATION_PREFIX):
            self._apply_activation(name, value)
        elif name.startswith(RESUME_PREFIX):
            self.resumes[name.removeprefix(RESUME_PREFIX)] = value

    def _apply_contract(self, name: str, value: bytes) -> None:
        hash_ = name.removeprefix(CONTRACT_PREFIX)
        if content_hash(value) == hash_:
            self.contracts[hash_] = value
        else:
            self._refuse(name)

    def _apply_activation(self, name: str, value: bytes) -> None:
        try:
            activation = _decode(value)
        except (msgspec.DecodeError, msgspec.ValidationError):
            self._refuse(name)
            return
        if name.encode() != activation_key(activation):
            self._refuse(name)
            return
        self.activations.setdefault(activation.stream, {}).setdefault(activation.number, activation)

    def _refuse(self, name: str) -> None:
        if name not in self.refused:
            self.refused.append(name)

    def in_force(self, stream: str) -> Activation | None:
        """The newest activation of a stream whose contract is there too."""
        known = self.activations.get(stream, {})
        for number in sorted(known, reverse=True):
            if known[number].contract in self.contracts:
                return known[number]
        return None

    def next_number(self, stream: str) -> int:
        """The number of the next activation of a stream; the first is 1."""
        return max(self.activations.get(stream, {}), default=0) + 1

    def same_version_other_bytes(self, stream: str, activation: Activation) -> Activation | None:
        """An earlier activation with the same contract id and version but other bytes, if there is one."""
        for earlier in self.activations.get(stream, {}).values():
            same = (earlier.contract_id, earlier.contract_version) == (
                activation.contract_id,
                activation.contract_version,
            )
            if same and earlier.contract != activation.contract:
                return earlier
        return None
