"""The pages of the console: of each a module, its queries and its template.

runs            the newest runs, live, with filters
run             a run as a timeline, its effects, its event and the conversation around it
why             why it did something, or did not
timeline        steps and effects in the order in which they began, those at once together
"""

from shared.web.console.pages.run import run
from shared.web.console.pages.runs import runs
from shared.web.console.pages.why import why
from shared.web.console.routing import Route, shows

#: Where each page stands, and the least role that may see or do it.
PAGES: tuple[Route, ...] = (
    shows("", runs),
    shows("runs", runs),
    shows("runs/(?P<run>[0-9a-f]{6,20})", run),
    shows("why", why),
)
