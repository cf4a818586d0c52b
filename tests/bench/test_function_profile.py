"""Own times of a profile, told by step."""

from bench.function_profile import REST, START, by_step, spent

LOOP = ("/x/src/watermaster/runtime/transfer.py", 1, "_step")
READ = ("/x/src/watermaster/adapters/kafka/upstream.py", 1, "read")
TAIL = ("/x/src/watermaster/adapters/kafka/log_reader.py", 1, "read_range")
JUDGE = ("/x/src/watermaster/gate/judge.py", 1, "judge")
CONSUME = ("~", 0, "<method 'consume' of 'cimpl.Consumer' objects>")
LENGTH = ("~", 0, "<built-in method builtins.len>")
STRANGE = ("/x/lib/strange.py", 1, "odd")


def test_built_in_functions_count_for_who_calls_them() -> None:
    statistics = {
        LOOP: (1, 1, 1.0, 9.0, {}),
        JUDGE: (5, 5, 2.0, 3.0, {LOOP: (5, 5, 2.0, 3.0)}),
        STRANGE: (1, 1, 0.5, 0.5, {}),
        LENGTH: (7, 7, 1.5, 1.5, {JUDGE: (5, 5, 1.0, 1.0), LOOP: (2, 2, 0.5, 0.5)}),
        CONSUME: (3, 3, 7.0, 7.0, {READ: (2, 2, 3.0, 3.0), TAIL: (1, 1, 4.0, 4.0)}),
    }

    rows = spent(statistics)

    assert by_step(rows) == {
        START: 4.0,
        "judge": 3.0,
        "wait and read: the client's consume()": 3.0,
        "the transfer loop": 1.5,
        REST: 0.5,
    }
    assert rows[0].own_s == 4.0
    assert sum(row.own_s for row in rows) == 12.0
