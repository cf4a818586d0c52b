"""The demonstration: its data, its contract, its picture, and the whole of it from outside."""
