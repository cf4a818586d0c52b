"""Watching streams from outside: lag, loss horizon, the state of consumers and clusters.

Every rule is a small pure function over one look (or a few looks) at a cluster; `now` is an argument. What cannot be
seen is `None` or a bound of cause `UNKNOWN` and never a good state. Numbers that cannot be exact carry their error:
the offsets of a log count transaction markers and holes of compaction like records, so a difference of offsets bounds
the records between them from above.
"""
