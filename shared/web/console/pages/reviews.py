"""/console/reviews: the findings of reviews with their life."""

from chalice.app import Response

from shared.database import queries
from shared.web.console.routing import PageRequest

SQL = queries(__file__, "reviews.sql")
TEMPLATE = "reviews.html"
STATES = ("posted", "held", "dismissed", "fixed", "withdrawn")
_SHOWN = 100


def reviews(asked: PageRequest) -> Response:
    """List the newest findings."""
    given = {name: asked.given(name) for name in ("repository", "state")}
    [found] = asked.rows(SQL, "findings", limit=_SHOWN, **given)
    return asked.page(TEMPLATE, "Reviews", findings=found, given=given, states=STATES)
