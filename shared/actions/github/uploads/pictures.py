"""Fetches the pictures that people uploaded. GitHub signs their addresses in the HTML that it makes
of a text; the address is the permission, so no token goes there, and no redirect is followed.
Pictures from elsewhere, which GitHub shows through a proxy, are not fetched.

https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#media-types
"""

from base64 import b64encode
from html.parser import HTMLParser
from urllib.parse import urlsplit

from shared.actions.github.paths import Segments
from shared.actions.github.session import GitHubSession
from shared.actions.github.uploads.queries import ReadLinePictures, ReadPictures
from shared.errors import ActionError
from shared.events import Json
from shared.patterns import lazily

#: Where github.com serves uploads. Elsewhere that is the server of the API itself.
_HOSTS = lazily(r"https://(?:private-)?user-images\.githubusercontent\.com/")
_OF_API = lazily(r"https://api\.(?:github\.com|[\w-]+\.ghe\.com)(?:/|$)")
#: Characters of the HTML of a text.
_HTML = 400_000


class _Pictures(HTMLParser):
    """Collects the addresses of pictures, with their names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if tag == "img" and about.get("src"):
            self.found.setdefault(about["src"], about.get("alt") or "picture")


def read_pictures(session: GitHubSession, query: ReadPictures) -> Json:
    part = ("issues", "comments", query.comment) if query.comment else ("issues", query.number)
    return _read(session, query, part)


def read_line_pictures(session: GitHubSession, query: ReadLinePictures) -> Json:
    return _read(session, query, ("pulls", "comments", query.comment))


def _read(session: GitHubSession, query: ReadPictures | ReadLinePictures, path: Segments) -> Json:
    doing = f"read pictures in {query.repository}"
    made = session.rendered(doing, query.repository, path)
    page = _Pictures()
    page.feed(made[:_HTML])
    base = session.api_url(query.repository)
    uploads = [(url, name[:200]) for url, name in page.found.items() if is_upload(url, base)]
    left = len(uploads) - query.limit
    rows = [_picture(session, query, url, name) for url, name in uploads[: query.limit]]
    note = [{"name": "pictures", "note": f"{left} more are not shown"}] if left > 0 else []
    return {"items": [*rows, *note]}


def is_upload(url: str, api_url: str) -> bool:
    """Is it where the GitHub of this API serves what people upload?"""
    if _OF_API.match(api_url):
        return _HOSTS.match(url) is not None
    ours, there = urlsplit(api_url), urlsplit(url)
    return (ours.scheme, ours.netloc) == (there.scheme, there.netloc)


def _picture(
    session: GitHubSession, query: ReadPictures | ReadLinePictures, url: str, name: str
) -> Json:
    try:
        body = session.upload("fetch a picture", query.repository, url, query.most)
    except ActionError:
        return {"name": name, "note": "GitHub does not give it now"}
    if body is None:
        return {"name": name, "note": f"it is gone, or larger than {query.most / 1e6:.2f} MB"}
    return {"name": name, "data": b64encode(body).decode()}
