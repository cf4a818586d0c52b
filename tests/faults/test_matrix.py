"""Which test does which fault of the matrix: a row names a test that exists, or says what has not been seen yet."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

SHOWN = {
    1: ("faults/test_kills.py::test_no_crash_point_loses_doubles_or_reorders",),
    2: ("faults/test_kills.py::test_no_crash_point_loses_doubles_or_reorders",),
    3: ("faults/test_kills.py::test_no_crash_point_loses_doubles_or_reorders",),
    4: ("faults/test_network.py::test_killed_while_the_end_of_a_transaction_is_under_way",),
    5: ("faults/test_network.py::test_a_late_end_of_a_transaction_does_not_end_the_next_one",),
    6: ("faults/test_processes.py::test_zombie_beyond_session_and_transaction_timeout",),
    7: ("faults/test_processes.py::test_zombie_beyond_session_and_transaction_timeout",),
    8: ("faults/test_processes.py::test_two_processes_with_one_transactional_id",),
    9: ("faults/test_brokers.py::test_workers_come_and_go_under_load",),
    10: ("faults/test_processes.py::test_an_endless_rule_is_held_after_three_tries",),
    11: ("faults/test_broker_data.py::test_idle_for_longer_than_a_transactional_id_is_kept",),
    12: ("faults/test_processes.py::test_too_large_for_the_trusted_topic_is_held_by_reference",
         "wiring/test_gate_acls.py::test_without_any_one_of_them_it_says_so_and_commits_nothing"),
    13: ("adapters/kafka/test_downstream_on_kafka.py::test_an_exception_in_a_delivery_callback_commits_nothing",),
    14: ("faults/test_processes.py::test_a_native_crash_is_held_after_three_deaths",),
    15: ("faults/test_processes.py::test_a_native_crash_is_held_after_three_deaths",
         "faults/test_registry.py::test_a_crash_while_decoding_costs_three_deaths_and_the_record"),
    16: ("faults/test_processes.py::test_an_endless_rule_is_held_after_three_tries",),
    17: ("faults/test_kills.py::test_no_crash_point_loses_doubles_or_reorders",
         "faults/test_processes.py::test_a_wrong_contract_opens_the_breaker_and_another_one_closes_it"),
    18: ("faults/test_registry.py::test_a_registry_that_cannot_tell_is_waited_for",
         "faults/test_registry.py::test_what_is_known_is_judged_while_the_registry_is_down"),
    19: ("faults/test_registry.py::test_another_schema_for_a_known_id_is_refused",),
    20: ("faults/test_kills.py::test_random_kills_of_workers_supervisor_and_brokers",),
    21: ("faults/test_brokers.py::test_a_leader_stands_still",),
    22: ("faults/test_brokers.py::test_a_rolling_restart_under_load",),
    23: ("faults/test_brokers.py::test_the_coordinator_of_the_group_stands_still",
         "faults/test_brokers.py::test_the_hosts_of_the_coordinators_are_killed"),
    24: ("faults/test_broker_data.py::test_a_broker_that_cannot_write_stops_nothing_for_good",),
    25: ("faults/test_broker_data.py::test_a_disk_that_goes_away_is_seen_and_nothing_is_lost",),
    26: ("faults/test_broker_data.py::test_an_unclean_election_stops_a_running_gate",
         "faults/test_broker_data.py::test_an_unclean_election_stops_a_gate_that_was_away"),
    27: ("faults/test_broker_data.py::test_a_batch_with_a_wrong_byte_is_never_passed_over",),
    28: ("faults/test_processes.py::test_a_recreated_topic_stops_the_gate",),
    29: ("faults/test_processes.py::test_new_partitions_are_read_from_their_start",),
    30: ("faults/test_processes.py::test_retention_overtakes_the_reader",
         "faults/test_processes.py::test_retention_overtakes_a_running_reader"),
    31: ("faults/test_processes.py::test_expired_group_offsets_stop_the_gate_and_the_ledger_knows",),
    33: ("faults/test_network.py::test_latency_and_slow_slices",),
    34: ("faults/test_network.py::test_a_black_hole_after_connecting",
         "faults/test_network.py::test_answers_to_commits_are_lost"),
    35: ("faults/test_network.py::test_resets_every_second",),
    36: ("faults/test_network.py::test_cut_off_from_one_coordinator_alone",),
    37: ("faults/test_processes.py::test_another_cluster_behind_the_same_address",),
}  # fmt: skip

NOT_SEEN: dict[int, str] = {}


def test_every_row_of_the_gate_is_shown_or_open() -> None:
    assert not SHOWN.keys() & NOT_SEEN.keys()
    assert {*SHOWN, *NOT_SEEN} >= {*range(1, 24), *range(33, 38)}


@pytest.mark.parametrize("row", SHOWN)
def test_what_shows_a_row_exists(row: int) -> None:
    for place in SHOWN[row]:
        path, _, name = place.partition("::")
        tree = ast.parse((TESTS / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, place
