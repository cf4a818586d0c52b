"""PostgreSQL tables as records: each row as the JSON text that a producer would have sent.

Read through a server-side cursor in one read-only snapshot, so that memory does not grow with the table and nobody's
writing is seen half. The driver is the extra `postgres` and is imported when a table is read, not before.
"""
