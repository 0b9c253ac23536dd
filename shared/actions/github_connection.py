"""One authenticated connection to GitHub's API, on which one call is exactly one request.

PyGithub signs and connects. Its retries and pauses are off, because the effect that calls retries
itself; its objects are not used, because they hide requests and take a redirected write for done.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from github import Auth, Github
from requests.utils import parse_header_links

from shared.actions.github_errors import check, translated
from shared.errors import ActionRejected, ActionUnavailable, SettingsError


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    data: Any

    @property
    def pages(self) -> int:
        """How many pages the list has, as the Link header says; 1 when it says nothing."""
        query = self._link("last")
        return int(parse_qs(query)["page"][0]) if query else 1

    @property
    def next_query(self) -> str:
        """The query of the list's next page, as the Link header says; empty on the last one."""
        return self._link("next")

    def _link(self, relation: str) -> str:
        for link in parse_header_links(self.headers.get("link", "")):
            if link.get("rel") == relation:
                return urlsplit(link["url"]).query
        return ""


class Connection:
    """`credentials` names the settings that `auth` was made from. `timeout` is in seconds: for the
    connection, and then for each part of an answer. Threads may share it."""

    def __init__(self, url: str, auth: Auth.Auth, credentials: str, timeout: int) -> None:
        self._credentials = credentials
        self._requester = Github(
            auth=auth,
            base_url=url,
            timeout=timeout,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            user_agent="agent-flows",
            api_version="2022-11-28",
        ).requester

    def exchange(
        self,
        doing: str,
        verb: str,
        path: str,
        body: Any = None,
        parameters: Mapping[str, int] | None = None,
        *,
        writes: bool,
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        Raises ActionUnavailable when there is none, `sent` being True if `writes` says that the
        request may have acted.
        """
        try:
            with translated(doing, writes=writes):
                status, headers, text = self._requester.requestJson(
                    verb, path, parameters=dict(parameters or {}), input=body
                )
        except SettingsError as err:  # the key that signs for the app
            raise ActionRejected(f"github: could not {doing}: {err}") from err
        try:
            return Answer(status, headers, json.loads(text) if text else None)
        except ValueError as err:
            if status < 400:
                raise ActionUnavailable(
                    f"github: could not {doing}: the answer is not JSON; check GITHUB_API_URL",
                    sent=writes,
                ) from err
            return Answer(status, headers, None)

    def call(
        self,
        doing: str,
        verb: str,
        path: str,
        body: Any = None,
        parameters: Mapping[str, int] | None = None,
        *,
        writes: bool,
    ) -> Answer:
        """Do as `exchange` does, and raise what an answer other than 2xx means."""
        answer = self.exchange(doing, verb, path, body, parameters, writes=writes)
        return self.checked(doing, answer, writes=writes)

    def checked(self, doing: str, answer: Answer, *, writes: bool) -> Answer:
        check(
            doing,
            answer.status,
            answer.headers,
            answer.data,
            writes=writes,
            credentials=self._credentials,
        )
        return answer
