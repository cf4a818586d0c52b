"""The command line: parse, call, show.

`main` builds the app from modules that each expose `register(app)`; a command's heavy imports happen inside it, so
that `--help` answers at once. Faults become one sentence, a hint, a stable code and an exit code in `errors` alone.
Whatever came from a topic is made inert in `output` before a terminal sees it.
"""
