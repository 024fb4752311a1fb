"""The command line: one file per command, each loaded only when it is asked for."""

import os
import sys
from types import TracebackType


def main() -> None:
    """Runs the command in sys.argv and ends the process: 0 done, 1 failed, 2 bad usage or configuration.

    Nothing shows a traceback; LEADWIRE_TRACEBACK=1 in the environment brings the one of an unexpected failure back.
    """
    if not os.environ.get("LEADWIRE_TRACEBACK"):
        sys.excepthook = _say_unexpected
    from leadwire.cli.program import program

    program(prog_name="leadwire")


def _say_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    place = ""
    while trace is not None:
        place = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
        trace = trace.tb_next
    print(
        f"leadwire failed in a way nobody foresaw: {kind.__name__} at {place}. LEADWIRE_TRACEBACK=1 shows where: {error}",
        file=sys.stderr,
    )
