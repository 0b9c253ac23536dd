"""Templates to pages. Every text is escaped, and a name that a template lacks is an error."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from chalice.app import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

#: The optional part of a bundle that has Jinja2.
PART = "pages"
_HERE = Path(__file__).parent
#: The frame of each page.
FRAME = "frame.html"
#: Only our own files run, and nothing is sent elsewhere, whatever a text of the journal says.
HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def page(template: str, status: int = 200, cookie: str = "", **values: object) -> Response:
    """Return a template of pages/ or of this folder as a page."""
    text = _environment().get_template(template).render(**values)
    headers: dict[str, str | list[str]] = dict(HEADERS)
    if cookie:
        headers["Set-Cookie"] = [cookie]
    return Response(text, headers=headers, status_code=status)


def static(name: str) -> Response | None:
    """Return a file of static/, which a browser may keep for an hour; None when there is none."""
    file = _files().get(name)
    if file is None or file.suffix not in _KINDS:
        return None
    kind = f"{_KINDS[file.suffix]}; charset=utf-8"
    kept = {**HEADERS, "Content-Type": kind, "Cache-Control": "public, max-age=3600"}
    return Response(file.read_text("utf-8"), headers=kept, status_code=200)


@cache
def _files() -> dict[str, Path]:
    return {file.name: file for file in (_HERE / "static").iterdir()}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader([_HERE, _HERE / "pages"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "dollars": dollars,
        "seconds": seconds,
        "moment": moment,
        "pretty": pretty,
        "count": lambda number: f"{number or 0:,}",
        "link": link,
    }
    return made


def dollars(cost: float | None) -> str:
    if cost is None:
        return "unknown"
    return f"${cost:,.2f}" if cost >= 1 or not cost else f"${cost:.4f}"


def seconds(length: float | None) -> str:
    if length is None:
        return "–"
    if length < 1:
        return f"{length * 1000:.0f} ms"
    return f"{length:.1f} s" if length < 120 else f"{length / 60:.0f} min"


def moment(at: datetime | float | None) -> str:
    if at is None:
        return "–"
    at = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def pretty(text: object) -> str:
    """Return JSON on several lines; a text that is none stays as it is."""
    if isinstance(text, str):
        try:
            text = json.loads(text)
        except ValueError:
            return str(text)
    return text if isinstance(text, str) else json.dumps(text, indent=2, ensure_ascii=False)


def link(address: object) -> str:
    """Return an address that may be followed, else '': no text of the journal becomes a script."""
    text = str(address or "")
    return text if text.startswith(("https://", "http://")) else ""
