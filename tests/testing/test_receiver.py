"""The receiver of pages: it takes JSON, tells pages from the rest, and refuses when it is told to."""

from __future__ import annotations

import json
from http.client import HTTPConnection

from watermaster.testing.receiver import PageReceiver

PAGE = {"alerts": [], "commonLabels": {"problem": "p"}, "commonAnnotations": {"description": "it stands"}}


def post(receiver: PageReceiver, body: str) -> int:
    connection = HTTPConnection(receiver.url.removeprefix("http://"), timeout=10)
    connection.request("POST", "/", body)
    status = connection.getresponse().status
    connection.close()
    return status


def test_what_is_taken_and_what_is_refused() -> None:
    with PageReceiver() as receiver:
        assert [post(receiver, body) for body in (json.dumps(PAGE), "{}", "[1]", "nothing", "1")] == [200] * 3 + [
            400
        ] * 2
        receiver.refuses = True
        assert post(receiver, json.dumps(PAGE)) == 503
        assert (receiver.pages(), receiver.of("p"), receiver.of("q")) == (["it stands"], [PAGE], [])
        assert (len(receiver.taken), receiver.refused) == (3, 3)
