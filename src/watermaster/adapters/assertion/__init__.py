"""What assertions need of all records together, on the disk of one run: digests, rows, and SQL over them.

A run has a directory of its own, readable by its user alone and removed at its end. Values that must not repeat are
there only as digests under a key that the run forgets; records are there only where the contract asks SQL.
"""
