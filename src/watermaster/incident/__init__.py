"""Signals become one incident per problem, and an incident answers on-call's five questions.

A *signal* is what one look saw (`signal.py`). Signals of one *problem* belong together (`problem.py`); an incident is
opened once they have lasted, and closes once they have been seen to be gone for a while (`progress.py`), so that what
flaps pages once. How loud it is stands in a table that a site may edit (`severity.py`), who may do what with it in
another (`life.py`). What could not be seen is neither a signal nor its end. `now` is an argument everywhere.
"""
