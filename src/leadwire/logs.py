"""How log records look: JSON lines on standard output for machines, short lines for people on a terminal."""

import contextlib
import logging
import os
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class LineLogger:
    """Writes one line per record. A line that can't be written (a full disk, a closed pipe) is left out: no work fails of it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def msg(self, line: str) -> None:
        """Writes the line at once, without a buffer that would hold it back or fail later."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, f"{line}\n".encode(errors="backslashreplace"))

    debug = info = warning = error = critical = msg


class LineLoggerFactory:
    """Makes the loggers of one descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __call__(self, *_names: object) -> LineLogger:
        return LineLogger(self._descriptor)


def configure_logs(style: Literal["auto", "json", "console"], level: str) -> None:
    """Sets the process's logs. Control characters are escaped in both styles; warnings of libraries join in."""
    is_json = style == "json" or (style == "auto" and not sys.stdout.isatty())
    last = structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    structlog.configure(
        processors=[
            _without_nothing,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=LineLoggerFactory(sys.stdout.fileno()),
        cache_logger_on_first_use=True,
    )


def _without_nothing(logger: WrappedLogger, method: str, record: EventDict) -> EventDict:
    """Leaves out what is not known, so that a record says only what it has to say."""
    del logger, method
    return {key: value for key, value in record.items() if value is not None}
