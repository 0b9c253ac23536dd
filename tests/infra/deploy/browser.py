"""A browser whose person presses every button: `python browser.py MEMORY URL`.

MEMORY is the file that holds the address that it came to last. When a page leads to a new App while
that address still holds a code, the person reloads it instead, as the terminal tells them.
"""

import sys
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener


class _Form(HTMLParser):
    """The one form of a page."""

    action = ""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found["action"]
        elif tag == "input":
            self.fields[found["name"]] = found["value"]


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def browse(url: str, memory: Path, *, until: str = "") -> str:
    """Press every button from `url` on; returns the last page, or the address with `until` in it,
    which this browser cannot reach."""
    if urlsplit(url).path in {"", "/"} and memory.exists():
        url = memory.read_text()
    fields: dict[str, str] | None = None
    while True:
        if until and until in url:
            return url
        if "code=" in url:
            memory.write_text(url)
        page, moved = _get(url, fields)
        if moved:
            url, fields = urljoin(url, moved), None
            continue
        form = _Form()
        form.feed(page)
        if not form.action:
            return page
        url, fields = urljoin(url, form.action), form.fields


def _get(url: str, fields: dict[str, str] | None) -> tuple[str, str]:
    data = None if fields is None else urlencode(fields).encode()
    try:
        with build_opener(_Stay).open(Request(url, data), timeout=120) as answer:
            return answer.read().decode(), ""
    except HTTPError as err:
        return err.read().decode(), err.headers.get("Location", "")


if __name__ == "__main__":
    with suppress(OSError):  # whom it talks to was killed
        browse(sys.argv[2], Path(sys.argv[1]))
