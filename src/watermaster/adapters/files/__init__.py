"""Files on this machine: the configuration is read here, into the values of `runtime.configuration`.

A file is input from outside: its size is bounded, its paths stay where they may lead, and what is wrong in it is
answered with file, line and the nearest right name.
"""
