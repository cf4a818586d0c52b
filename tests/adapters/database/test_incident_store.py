"""The store keeps its promises on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import IntegrityError

from watermaster.adapters.database.engine import alone, open_database
from watermaster.adapters.database.incidents import DatabaseIncidents
from watermaster.adapters.database.tables import metadata, page
from watermaster.incident.answer import Surroundings, answer
from watermaster.incident.incident import Incident
from watermaster.incident.life import State
from watermaster.incident.paging import Happening, Silence
from watermaster.incident.signal import Signal, SignalKind, Subject
from watermaster.runtime.incident_ports import Change, Memory, Message, Note
from watermaster.stream.fault import Fault, UsageFault, WorldFault


def incident(number: int, key: str = "primary/billing") -> Incident:
    found = (
        Signal(SignalKind.DATA_LOST, Subject("primary", "billing", "orders", 0), 5, ("Gone: ü\u0000.",), lost_max=3),
    )
    return Incident(number, key, "primary", "Gone.", State.OPEN, 5, 5, 5, found, answer(found, Surroundings()))


def message(of: Incident, number: int = 1, route: str = "pager") -> Message:
    return Message(f"{of.dedup_key}/{number}/{route}", route, Happening.TRIGGER, of)


def test_what_is_stored_comes_back(engine: Engine) -> None:
    store = DatabaseIncidents(engine)
    one = incident(1)
    note, silence = Note(7, "deploy", "bill*", "ci", "1.2"), Silence("primary/*", 90, "ada", "drill")
    store.change(lambda _: Change((one,), (), {"primary/x": 3}, (note,), (silence,)), since_ms=0)
    seen: list[Memory] = []
    store.change(lambda memory: seen.append(memory) or Change(), since_ms=0)
    assert seen == [Memory((one,), {"primary/x": 3}, (silence,), (note,), 2)]
    assert store.found(1) == one
    assert store.found(2) is None
    closed = replace(one, state=State.RESOLVED, resolved_ms=50, summary="done")
    store.change(lambda _: Change((closed,)), since_ms=0)
    assert store.listed(resolved=False, limit=9) == []
    assert store.listed(resolved=True, limit=9) == [closed]
    store.change(lambda memory: seen.append(memory) or Change(), since_ms=51)
    assert (seen[-1].incidents, seen[-1].notes, seen[-1].next_number) == ((), (), 2)


def test_a_step_that_fails_leaves_nothing(engine: Engine) -> None:
    store = DatabaseIncidents(engine)
    one, two = incident(1), incident(2)
    with pytest.raises(WorldFault) as caught:
        # Two open incidents of one problem: the database itself refuses them.
        store.change(lambda _: Change((one, two), (message(one),)), since_ms=0)
    assert IntegrityError.__name__ in caught.value.message
    assert store.listed(resolved=True, limit=9) == []
    assert store.waiting() == 0
    store.change(lambda _: Change((one,), (message(one),)), since_ms=0)
    with pytest.raises(WorldFault):
        store.change(lambda _: Change((), (message(one),)), since_ms=0)
    assert store.waiting() == 1


def test_pages_are_sent_in_order_and_only_when_due(engine: Engine) -> None:
    store = DatabaseIncidents(engine)
    one = incident(1)
    pages = (message(one), message(one, 2), message(one, 1, "chat"))
    store.change(lambda _: Change((one,), pages), since_ms=0)
    first, chat = store.due(10)
    assert (first.dedup_key, chat.route) == (pages[0].dedup_key, "chat")
    store.failed(first, again_ms=100)
    assert [page.route for page in store.due(99)] == ["chat"], "the second one does not overtake the first"
    (again, _) = store.due(100)
    assert (again.dedup_key, again.attempts) == (first.dedup_key, 1)
    store.sent(again, 101)
    assert store.due(101)[0].route == "chat" or store.due(101)[0].dedup_key == pages[1].dedup_key
    for due in store.due(102):
        store.sent(due, 102)
    assert store.due(103) == []
    assert store.waiting() == 0


def test_one_monitor_leads_until_its_lease_ends(engine: Engine) -> None:
    store = DatabaseIncidents(engine)
    assert store.lead("a", 0, 30)
    assert not store.lead("b", 29, 59)
    assert store.lead("a", 20, 50)
    assert not store.lead("b", 49, 79)
    assert store.lead("b", 50, 80)
    # The one that was too late finds out before anything is stored.
    assert store.change(lambda _: Change((incident(1),)), since_ms=0, holder="a") is None
    assert store.found(1) is None
    assert store.change(lambda _: Change((incident(1),)), since_ms=0, holder="b") is not None


def test_steps_run_alone(engine: Engine, address: str, tmp_path: Path) -> None:
    """Many at once count up: none reads what another one is about to change."""
    engines = [engine, open_database(address, tmp_path)]
    failures: list[Fault] = []

    def count(number: int) -> None:
        store = DatabaseIncidents(engines[number % 2])
        try:
            for _ in range(5):
                store.change(
                    lambda memory: Change((incident(memory.next_number, f"primary/{memory.next_number}"),)), since_ms=0
                )
        except Fault as error:
            failures.append(error)

    threads = [threading.Thread(target=count, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engines[1].dispose()
    assert failures == []
    assert [found.number for found in DatabaseIncidents(engine).listed(resolved=True, limit=99)] == [*range(20, 0, -1)]


def test_the_migrations_make_the_tables_that_the_code_speaks_of(engine: Engine) -> None:
    seen = inspect(engine)
    for table in metadata.sorted_tables:
        assert {column["name"] for column in seen.get_columns(table.name)} == {column.name for column in table.columns}
    assert any(index["name"] == "one_open_incident_per_problem" for index in seen.get_indexes("incident"))
    assert any(unique["name"] == "one_page_per_key" for unique in seen.get_unique_constraints(page.name))
    with alone(engine) as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "0007"


def test_no_address_is_ever_repeated(tmp_path: Path) -> None:
    with pytest.raises(UsageFault) as usage:
        open_database("mysql://ada:sesame@db/x", tmp_path)
    with pytest.raises(WorldFault) as world:
        open_database("postgresql://ada:sesame@127.0.0.1:1/x", tmp_path)
    for caught in (usage, world):
        assert "sesame" not in f"{caught.value} {caught.value.hint}"
