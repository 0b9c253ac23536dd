"""/console/runs: the newest runs, live, with filters."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from chalice.app import Response

from shared.database import Row, queries
from shared.errors import RequestRefused
from shared.web.console.routing import PageRequest

SQL = queries(__file__, "runs.sql")
TEMPLATE, ROWS = "runs.html", "runs_rows.html"

#: Runs on a page, and how many are looked at for those that cost so much.
_SHOWN, _LOOKED = 50, 2_000
STATES = ("running", "retrying", "parked", "waiting", "done", "failed", "cancelled", "superseded")
_FILTERS = ("flow", "state", "conversation", "person", "cost", "words")


class Cursor(NamedTuple):
    """The last run of a page: when it started, and its id."""

    at: datetime | None = None
    id: str = ""

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Read what `text` wrote; raises RequestRefused for anything else."""
        if not text:
            return cls()
        at, _, id_ = text.partition("_")
        try:
            return cls(datetime.fromtimestamp(int(at) / 1e6, UTC), id_)
        except (ValueError, OverflowError, OSError):
            raise RequestRefused(400, "The address of this page is damaged.") from None

    @property
    def text(self) -> str:
        return f"{round(self.at.timestamp() * 1e6)}_{self.id}" if self.at else ""


def runs(asked: PageRequest) -> Response:
    """Show a page of runs; a browser that asks for the rows alone gets no frame."""
    given = {name: asked.given(name) for name in _FILTERS}
    after = Cursor.read(asked.given("after"))
    cost = _amount(given["cost"])
    limits = {"limit": _SHOWN, "looked": _SHOWN if cost is None else _LOOKED}
    found, flows = asked.rows(
        SQL, "runs", "flows",
        **given | {"cost": cost, "person": given["person"].lower().lstrip("@")},
        after=after.at, after_id=after.id, **limits,
    )  # fmt: skip
    values: dict[str, Any] = {
        "rows": found,
        "given": given,
        "older": _older(found, limits),
        "filters": urlencode({k: v for k, v in given.items() if v} | _tenant(asked)),
        "is_first": after.at is None,
        "flows": [row["flow"] for row in flows],
        "states": STATES,
        "of_tenant": f"?{urlencode(_tenant(asked))}" if _tenant(asked) else "",
    }
    return asked.page(ROWS if asked.is_fragment else TEMPLATE, "Runs", **values)


def _older(rows: Sequence[Row], limits: dict[str, int]) -> str:
    """Return the cursor of the next page; '' on the last one."""
    if len(rows) == limits["limit"]:
        return Cursor(rows[-1]["started_at"], rows[-1]["id"]).text
    if rows and rows[0]["looked"] == limits["looked"]:
        return Cursor(rows[0]["last_at"], rows[0]["last_id"]).text
    return ""


def _tenant(asked: PageRequest) -> dict[str, str]:
    return {"tenant": asked.reader.tenant} if asked.query.get("tenant") else {}


def _amount(text: str) -> float | None:
    if not text:
        return None
    try:
        return max(0.0, float(text.lstrip("$")))
    except ValueError:
        raise RequestRefused(400, "The cost is a number of dollars, such as 0.05.") from None
