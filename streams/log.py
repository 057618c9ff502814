"""Structured logs: one line per thing that happened, on the standard error."""

import logging
import sys

import structlog


def configure_logging(*, level: int | str = logging.INFO) -> None:
    """Lines of key=value for people at a terminal, JSON for the rest; `level` may be a name."""
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        # asked anew for each line: the standard error may be another by then
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _number(level: int | str) -> int:
    return level if isinstance(level, int) else logging.getLevelNamesMapping()[level.upper()]
