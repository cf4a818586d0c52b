"""The test kit: promises about Kafka are tested on real Apache Kafka, and users get the same tools for their own tests.

Theory of operation. `kafka.KafkaCluster` runs one to three real brokers as child processes on loopback, from jars that
are fetched once, checked against a lock file of SHA-256 sums, and cached (`jars`). `java` finds a runtime, `process`
starts children that cannot outlive their parent, `tls` and `access` make certificates and accounts, `server_settings`
turns a plain description of a cluster into broker settings. `proxy` stands between a client and the brokers and
misbehaves by rule, frame by frame. `generator`, `clock` and `crash` make records, time and process death repeatable.
`pytest_plugin` offers all of it as fixtures, and is loud when real Kafka could not be run.

Invariant: the gate imports nothing of this; only the demo does, for a broker of its own. It may be slow to import,
never slow to fail.
"""
