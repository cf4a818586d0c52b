"""The imperative shell: one module a use case, over the Protocols of `ports`.

The transfer loop (`transfer`) is the one way in which records move. It reads batches, asks a `Stage` what to do with
them, and writes outputs, ledger entries and source offsets in one transaction. Adapters implement the ports;
`wiring` joins them. Nothing here names a client library.
"""
