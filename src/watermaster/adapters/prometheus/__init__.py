"""What Prometheus and Grafana are told to do with our metrics: rules and a dashboard, made from the configuration.

`watched.py` is what the configuration and its contracts come to; `loss_rules`, `cluster_rules`, `gate_rules` and
`slo_rules` are one concern each, `rule_file.py` is all of them as a file that Prometheus reads; `dashboard.py` is the
page of Grafana. Everything here is pure. What is unknown has no sample, so each alarm of a value has one beside it for
its absence.

Invariant: every name that is used is exposed by `adapters/metrics` or recorded by a rule of the same file.
"""
