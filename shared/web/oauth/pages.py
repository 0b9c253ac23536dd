"""What the browser shows: short pages without scripts. All that comes from outside is escaped."""

from collections.abc import Mapping
from html import escape

from chalice.app import Response

#: Nothing is loaded, framed or sent on from these pages, and no address leaks their codes.
HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem}"
    "a.go{display:inline-block;padding:.6rem 1rem;border:1px solid;border-radius:.4rem}"
)


def page(
    title: str,
    *lines: str,
    status: int = 200,
    link: tuple[str, str] | None = None,
    cookie: str = "",
) -> Response:
    """Return a page with a title, paragraphs, and at most one `link`: an address and its words."""
    said = "".join(f"<p>{escape(line)}</p>" for line in lines)
    if link:
        address, words = link
        said += f'<p><a class="go" href="{escape(address)}">{escape(words)}</a></p>'
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{said}</html>\n"
    )
    headers: dict[str, str | list[str]] = dict(HEADERS)
    if cookie:
        headers["Set-Cookie"] = [cookie]
    return Response(text, headers=headers, status_code=status)


def elsewhere(address: str, cookie: str) -> Response:
    """Send the browser to an address that we chose, and let it keep a cookie."""
    headers: dict[str, str | list[str]] = {**HEADERS, "Location": address, "Set-Cookie": [cookie]}
    return Response("", headers=headers, status_code=302)
