"""The files that people upload into issues and comments: each has an address for browsers that are
signed in, and the HTML of a text one that is signed, which anybody may open for a while."""

import html
import re
import secrets

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request, Response

from infra.local.sandbox.github.views import Views

_MARKDOWN = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<url>[^)\s]+)[^)]*\)")
_TAG = re.compile(r"<img\b[^>]*?\bsrc=\"(?P<url>[^\"]+)\"[^>]*>")


class Uploads:
    def __init__(self, views: Views) -> None:
        self._views = views
        self._files: dict[str, bytes] = {}
        self._signed: dict[str, str] = {}
        #: The Authorization header of each download.
        self.seen: list[str] = []

    def add(self, name: str, body: bytes) -> str:
        """Keep a picture; return the Markdown that GitHub writes for it."""
        key = secrets.token_hex(16)
        self._files[key] = body
        return f"![{name}]({self._views.web}/user-attachments/assets/{key})"

    def rendered(self, text: str) -> str:
        """Return the pictures of a text as HTML: those of others come through a proxy."""
        found = [(one["url"], one["alt"]) for one in _MARKDOWN.finditer(text)]
        found += [(one["url"], "Image") for one in _TAG.finditer(text)]
        tags = (
            f'<img src="{html.escape(self._address(url))}" alt="{html.escape(alt)}">'
            for url, alt in found
        )
        return f"<p>{''.join(tags)}</p>"

    def serve(self, request: Request, key: str) -> Response:
        self.seen.append(request.headers.get("Authorization", ""))
        if self._signed.get(request.args.get("jwt", "")) != key:
            raise NotFound
        return Response(self._files[key], content_type="application/octet-stream")

    def _address(self, url: str) -> str:
        key = url.removeprefix(f"{self._views.web}/user-attachments/assets/")
        if key not in self._files:
            return f"https://camo.githubusercontent.com/{secrets.token_hex(8)}"
        signature = secrets.token_urlsafe(16)
        self._signed[signature] = key
        return f"{self._views.web}/private-user-images/{key}?jwt={signature}"
