"""Honest stand-ins of the outside world: the same wire shapes, the same faults. They power the demo and the tests."""
