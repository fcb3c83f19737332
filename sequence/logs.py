"""Structured logs: one event a line, with the request id on each; JSON in production, readable lines elsewhere.

No line holds a key, a bank number or a body: events name ids.
"""

import structlog
from structlog.typing import EventDict, Processor

from sequence.core.pasted import without_secrets


def _without_secrets(logger: object, method: str, event: EventDict) -> EventDict:
    """Take whole secrets out of what strangers wrote, such as a path."""
    return {name: without_secrets(value) if isinstance(value, str) else value for name, value in event.items()}


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    _without_secrets,
]


def logging_configuration(*, level: str, as_json: bool) -> dict[str, object]:
    """Return the dictConfig for the standard library's logging, through which structlog's events go too."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "events": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "events"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            # It warns about every refusal, each of which has its request line already.
            "django.request": {"level": "ERROR"},
        },
    }
