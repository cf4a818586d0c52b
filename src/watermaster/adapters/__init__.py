"""The outside world: one folder for each thing that is talked to, each as thin as it can be.

An adapter translates between the outside and the values of the layers below, and translates the outside's errors
into faults once. Siblings do not import each other; `wiring` joins them.
"""
