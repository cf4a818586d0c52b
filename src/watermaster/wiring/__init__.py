"""The only place that joins adapters to the runtime; one module a use case. The CLI calls it and shows the result."""
