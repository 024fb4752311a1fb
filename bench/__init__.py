"""Measures leadwire on this machine against the numbers that it promises. `python -m bench --help` says how."""
