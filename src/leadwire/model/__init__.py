"""Frozen values and ids of a lead's life. No I/O, no clock."""
