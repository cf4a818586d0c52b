"""Shared values of every layer: coordinates, batches of raw records, units, faults.

Nothing here does I/O or knows a clock. Every other folder may import this one; it imports none.
"""
