"""Processes that may die: hostile input is judged here, under limits, one record at a time."""
