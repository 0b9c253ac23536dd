"""The table of the pages and acts: its address, who may come, and what answers."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from chalice.app import Response

from shared.database import Database, Row, Statement
from shared.errors import RequestRefused
from shared.events import Event
from shared.settings import Settings
from shared.web.console import rendering
from shared.web.console.access import Reader, Role, Visitor


class PageRequest(NamedTuple):
    """A request, with who sent it and what its page may use. `publish` brings an event to the bus;
    `base` stands before each address of the console; `now` is in seconds since the epoch."""

    reader: Reader
    visitor: Visitor
    database: Database
    settings: Settings
    query: Mapping[str, str]
    path: Mapping[str, str]
    form: Mapping[str, str]
    token: str
    base: str
    now: float
    publish: Callable[[Event], None]
    is_fragment: bool = False
    cookie: str = ""

    def rows(
        self, sql: Mapping[str, str], *names: str, **values: object
    ) -> Sequence[Sequence[Row]]:
        """Run the named statements in one transaction, bounded by what the reader may see."""
        bounds = self.reader.parameters | values
        statements = [Statement(sql[name], bounds) for name in names]
        return self.database.run(self.reader.tenant, statements)

    def given(self, name: str, most: int = 200) -> str:
        """Return a field of the address as it was given, cut to `most` characters; '' if absent."""
        return self.query.get(name, "").replace("\0", "").strip()[:most]

    def page(self, template: str, title: str, status: int = 200, **values: object) -> Response:
        """Return a page in its frame."""
        return rendering.page(
            template, status, self.cookie, title=title, asked=self, reader=self.reader,
            base=self.base, token=self.token, tenants=self.visitor.tenants, **values,
        )  # fmt: skip

    def elsewhere(self, path: str) -> Response:
        """Send the browser to another page of the console after a change."""
        headers = {**rendering.HEADERS, "Location": f"{self.base}/{path}"}
        return Response("", headers=headers, status_code=303)


Answer = Callable[[PageRequest], Response]


class Route(NamedTuple):
    """`path` is a pattern below /console/, with named groups; POST routes are acts."""

    method: str
    path: re.Pattern[str]
    least: Role
    answer: Answer


class Routes:
    """Finds what answers a request."""

    def __init__(self, *tables: Sequence[Route]) -> None:
        self.table = [route for table in tables for route in table]

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """Return the route of a request and the parts of its address.

        Raises RequestRefused, with 404 or 405.
        """
        there = [(one, match) for one in self.table if (match := one.path.fullmatch(path))]
        if not there:
            raise RequestRefused(404, "There is no such page.")
        for route, match in there:
            if route.method == method:
                return route, match.groupdict()
        raise RequestRefused(405, "This address takes another kind of request.")


def shows(path: str, answer: Answer, least: Role = "viewer") -> Route:
    """Return the route of a page, which changes nothing."""
    return Route("GET", re.compile(path), least, answer)


def acts(path: str, answer: Answer, least: Role = "operator") -> Route:
    """Return the route of a change."""
    return Route("POST", re.compile(path), least, answer)
