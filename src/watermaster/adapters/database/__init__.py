"""Incidents and pages in SQLite (one person) or PostgreSQL (two monitors): one form of every statement for both.

Every change is one transaction that runs alone: `BEGIN IMMEDIATE` on SQLite, an advisory lock on PostgreSQL. So a step
sees what the one before it left, numbers have no holes, and no two monitors decide upon the same thing.
"""
