"""Metrics and health over HTTP, for Prometheus and for whoever restarts services."""
