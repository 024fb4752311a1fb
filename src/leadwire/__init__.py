"""leadwire brings every lead from ad platforms, phone calls and forms to where it is owed: none lost, none twice."""

__version__ = "0.1.0"
