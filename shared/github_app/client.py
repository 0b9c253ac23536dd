"""PyGithub's requester under this project's rules: one request a call, to the path that was meant.

PyGithub by itself follows redirects, asks again as long as GitHub answers 202, sends a request up
to ten times, sleeps between requests, and logs what it sends and gets. Here the caller decides
about all of these, and no line of a log holds a token or what people wrote.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import requests
import urllib3
from github.Auth import Auth
from github.Requester import (
    HTTPRequestsConnectionClass,
    HTTPSRequestsConnectionClass,
    Requester,
    RequestsResponse,
)

from shared.actions.github.app_jwt import AppJwt, pem
from shared.actions.github.connection import GitHubResponse, address
from shared.actions.github.errors import check, translated
from shared.actions.github.paths import GitHubPath, query_of
from shared.errors import ActionRejected, ActionUnavailable, SettingsError
from shared.people.addresses import api_url
from shared.settings import Credential, Settings

_HEADERS = {"Accept": "application/vnd.github+json"}
_VERSION = "2022-11-28"
#: They log headers, bodies and paths at DEBUG: tokens, people's text, the code of a manifest.
_TALKATIVE = ("github", "urllib3.connectionpool")


class PyGithubClient:
    """`credentials` names the settings of `auth` in errors; without `auth` it asks as nobody.

    `timeout` is in seconds: for the connection, and then for each part of a response.
    """

    def __init__(self, url: str, auth: Auth | None, credentials: str, timeout: int) -> None:
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._url = url
        self._credentials = credentials
        self._requester = Requester(
            auth, url, timeout, "agent-flows", 100, True, 0, 1, lazy=True, api_version=_VERSION
        )
        self._wire = _Wire(url, timeout)

    def call(
        self,
        doing: str,
        verb: str,
        path: GitHubPath,
        body: Any = None,
        parameters: Mapping[str, int | str] | None = None,
        *,
        writes: bool,
    ) -> GitHubResponse:
        """Send one request and return the response, as `Connection.call` does; raises an
        ActionError for other than 2xx."""
        query = query_of(doing, parameters or {})
        address(self._url, doing, path, query)
        with translated(doing, writes=writes):
            answer = self._send(doing, verb, path.text + query, body)
        status, headers, text = answer.status, dict(answer.getheaders()), answer.read()
        data = _parsed(doing, status, text, writes=writes)
        found = GitHubResponse(status, {name.lower(): headers[name] for name in headers}, data)
        check(doing, status, found.headers, data, writes=writes, credentials=self._credentials)
        return found

    def close(self) -> None:
        self._wire.close()

    def _send(self, doing: str, verb: str, url: str, body: Any) -> RequestsResponse:
        wire = cast(HTTPSRequestsConnectionClass, self._wire)
        try:
            self._requester.requestJson(verb, url, None, dict(_HEADERS), body, cnx=wire)
        except _Answered as found:
            return found.answer
        except SettingsError as err:  # the key that signs for the app
            raise ActionRejected(f"github: could not {doing}: {err}") from err
        except requests.RequestException as err:
            raise _cause(err) from err
        raise AssertionError("PyGithub took an answer that did not come over its wire")


class _Answered(Exception):
    """Takes each answer out of PyGithub before it follows, repeats or logs anything."""

    def __init__(self, answer: RequestsResponse) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Wire:
    """PyGithub's own connection, which hands over the answer at once."""

    def __init__(self, url: str, timeout: int) -> None:
        place = urlsplit(url)
        kind = HTTPRequestsConnectionClass if place.scheme == "http" else None
        connect = kind or HTTPSRequestsConnectionClass
        self._connection = connect(place.hostname or "", place.port, timeout=timeout, retry=0)

    def request(self, *request: Any) -> None:
        self._connection.request(*request)

    def getresponse(self) -> RequestsResponse:
        answer = self._connection.getresponse()
        answer.response.encoding = "utf-8"
        raise _Answered(answer)

    def close(self) -> None:
        self._connection.close()


class _AppAuth(Auth):
    """The app's own token, signed without the 16 MB of cryptography that PyJWT would sign with."""

    token_type = "Bearer"

    def __init__(self, app_id: str, private_key: Credential) -> None:
        self._signed = AppJwt(app_id, private_key)

    @property
    def token(self) -> str:
        return self._signed().removeprefix("Bearer ")


def app_client(settings: Settings, timeout: int) -> PyGithubClient:
    """Return the client of the settings' App; raises SettingsError without one."""
    pem(settings.require("github_app_private_key"))
    key = settings.credential("github_app_private_key")
    auth = _AppAuth(settings.require("github_app_id"), key)
    credentials = "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY"
    return PyGithubClient(api_url(settings), auth, credentials, timeout)


def _cause(err: requests.RequestException) -> urllib3.exceptions.HTTPError:
    """Return what urllib3 raised, which tells if the request was sent."""
    found: object = err.args[0] if err.args else None
    if isinstance(found, urllib3.exceptions.MaxRetryError):
        found = found.reason
    if isinstance(found, urllib3.exceptions.HTTPError):
        return found
    return urllib3.exceptions.HTTPError(type(err).__name__)


def _parsed(doing: str, status: int, text: str, *, writes: bool) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError as err:
        if status < 400:
            raise ActionUnavailable(
                f"github: could not {doing}: the answer is not JSON; check GITHUB_API_URL",
                sent=writes,
            ) from err
        return None
