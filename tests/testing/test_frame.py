"""Frames are read and paired, whatever bytes come."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.testing.frame import UNANSWERED_MAX, ApiKey, Conversation, Direction
from watermaster.testing.rule import Filter


def request(api: int, version: int, correlation: int) -> bytes:
    return struct.pack(">hhi", api, version, correlation) + b"rest"


def response(correlation: int) -> bytes:
    return struct.pack(">i", correlation) + b"rest"


def test_a_response_gets_the_api_of_its_request() -> None:
    talk = Conversation(node=2, connection=9)
    asked = talk.read(Direction.REQUEST, request(ApiKey.END_TXN, 1, 77))
    other = talk.read(Direction.REQUEST, request(ApiKey.FETCH, 16, 78))
    answer = talk.read(Direction.RESPONSE, response(77))
    assert (asked.api, asked.version, asked.correlation) == (ApiKey.END_TXN, 1, 77)
    assert (answer.api, answer.version, answer.node, answer.connection) == (ApiKey.END_TXN, 1, 2, 9)
    assert other.api == ApiKey.FETCH


def test_a_response_to_nothing_has_no_api() -> None:
    assert Conversation(1, 1).read(Direction.RESPONSE, response(5)).api == -1


def test_requests_that_are_never_answered_are_forgotten() -> None:
    talk = Conversation(1, 1)
    for number in range(UNANSWERED_MAX + 1):
        talk.read(Direction.REQUEST, request(ApiKey.PRODUCE, 9, number))
    assert talk.read(Direction.RESPONSE, response(0)).api == -1
    assert talk.read(Direction.RESPONSE, response(1)).api == ApiKey.PRODUCE


@given(body=st.binary(), direction=st.sampled_from(Direction))
def test_any_bytes_are_a_frame_and_stay_as_they_are(body: bytes, direction: Direction) -> None:
    frame = Conversation(1, 1).read(direction, body)
    assert frame.body == body
    assert frame.encode() == len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    ("of", "matches"),
    [
        (Filter(), True),
        (Filter(ApiKey.END_TXN), True),
        (Filter(ApiKey.FETCH), False),
        (Filter(direction=Direction.RESPONSE), False),
        (Filter(direction=None), True),
        (Filter(node=2), True),
        (Filter(node=3), False),
    ],
)
def test_a_filter_matches_api_direction_and_node(of: Filter, matches: bool) -> None:
    frame = Conversation(2, 1).read(Direction.REQUEST, request(ApiKey.END_TXN, 1, 1))
    assert of.matches(frame) is matches
