"""Contracts: ODCS v3.2 documents read, checked against the official schema and compiled into `Checks`.

Pure: documents come in as bytes, problems go out as values with line and path.
"""
