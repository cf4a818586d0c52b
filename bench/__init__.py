"""The benchmark: every hot path as a ratio against its physical limit or a peer, measured in the same run.

    make bench                                      everything on real Apache Kafka, about ten minutes
    make bench ARGS=--quick                         the same with small sizes, to see that it works: noisy
    make bench ARGS="--only transfer --only held"   some sections
    make bench ARGS="--output json"                 for machines
    make bench ARGS="--write docs/benchmarks.md"    the document, made by the run

How it measures. Absolute times say more about a machine and its hour than about a program, so contestants take turns
over the same records on the same warm broker, and what is printed first is a ratio of medians, with medians and
ranges beside it. CPU time is that of whole processes, with the threads of librdkafka (`process_cpu`), between the first
and the last committed record (`progress`), so that start-up is not in it; start-up has a figure of its own. Every
contestant is a process of its own that is observed from outside. A section that cannot run says what it lacks.

The map: `scale` sizes · `figure` measured values · `report` table, JSON and Markdown · `machine` what it ran on ·
`arena` broker, topics and records · `contestant` who moves records · `observed` a command from start to end ·
`section/` one module a figure · `decide` the judge alone · `flights` real rows in files · `bare_transfer`,
`bare_replay`, `native_transfer.c`, `source`, `reader`, `peer_*` the processes that are started.
"""
