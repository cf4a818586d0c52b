"""A schema registry over Confluent's API, and a folder that remembers what it said."""
