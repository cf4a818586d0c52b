"""Contracts in the words of other formats, with what those have no words for."""
