"""Knowlarity's call log, its hooks and its event stream, as public integrations describe them."""
