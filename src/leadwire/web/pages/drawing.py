"""Draws pages: Jinja templates with autoescape, and the few words that templates need."""

from pathlib import Path
from typing import Final

import jinja2

from leadwire.engine.status import spoken
from leadwire.model.lead import DeskEntry
from leadwire.model.times import MILLISECOND, SECOND, Instant, to_datetime, to_iso
from leadwire.ports.clock import Clock
from leadwire.web.pages.lead_view import view_of
from leadwire.web.static_files import StaticFiles
from leadwire.web.surroundings import SiteSettings

_TEMPLATES: Final = Path(__file__).parent.parent / "templates"


class Drawing:
    """Draws templates. Everything that is put in is escaped; an unknown name is an error, not an empty string."""

    def __init__(self, settings: SiteSettings, clock: Clock, static: StaticFiles) -> None:
        self._clock = clock
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(settings=settings, asset=static.url)
        self._environment.filters.update(iso=to_iso, clock=_clock_words, millis=_millis, lag=_lag, age=self._age)

    def draw(self, template: str, **values: object) -> str:
        """The template as HTML."""
        return self._environment.get_template(template).render(now=self._clock.now(), **values)

    def row(self, entry: DeskEntry, user: str, notice: str = "") -> str:
        """One row of the inbox as this user sees it."""
        return self.draw("lead_row.html", lead=view_of(entry), user=user, notice=notice)

    def _age(self, instant: Instant) -> str:
        return spoken(self._clock.now() - instant)


def _clock_words(instant: Instant) -> str:
    return to_datetime(instant // SECOND * SECOND).strftime("%Y-%m-%d %H:%M:%S UTC")


def _millis(instant: Instant) -> int:
    return instant // MILLISECOND


def _lag(duration: Instant) -> str:
    """A short duration, exact where it matters: "8 ms", "2.4 s", "12 min"."""
    if duration < 0:
        return "0 ms"
    if duration < SECOND:
        return f"{duration // MILLISECOND} ms"
    if duration < 60 * SECOND:
        return f"{duration / SECOND:.1f} s"
    return spoken(duration)
