"""Pages over HTTP: Alertmanager's API v2, its webhook form, PagerDuty's Events v2, and a heartbeat.

What a payload looks like is pure (`payload.py`); sending it once is `sender.py`. Trying again is the business of the
outbox in the database. Neither an address nor a secret ever stands in a message or a log: a route is
called by its name.
"""
