"""Fixes: changes to held records as data, never as code.

A fix is a named, numbered YAML document: which records it is for, and steps such as `set`, `rename`, `cast` or `map`,
each at a place inside the value, the key or a header. `document` reads it, with every problem at its line, into the
plain operations of `operation`; `apply` applies them.

    record bytes -> (scan the text, find the places, replace their bytes) for each step -> record bytes

JSON is edited by span and never parsed and dumped, so what no step touches stays byte for byte as it was: spellings of
numbers, order of members, blanks, names that stand twice. Applying is a function of the record and the document alone:
no clock, not even in expressions. It never raises for bad data; a step that finds its place and cannot do its work
leaves the whole record as it was and says why.

Invariant: a fix that finds none of its places changes nothing.
Invariant: no fix reads or writes a reserved header.
"""
