"""Reads the pictures that people uploaded into an issue or a comment on GitHub, for one run: models
that see get them, the others are told that there were some."""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import ClassVar, Self

from shared.actions import Query
from shared.actions.github.uploads.queries import ReadLinePictures, ReadPictures
from shared.agent.context import Attached
from shared.desk import Loan
from shared.errors import AgentFlowsError
from shared.events import Event, Json
from shared.hearing.file_kinds import image_type, read_bytes
from shared.journal import Outcome
from shared.log import log
from shared.memory.attribution import person, trust_label, trust_of
from shared.models import Image
from shared.models.routing import Models
from shared.models.sight import unseen
from shared.patterns import lazily
from shared.perception import dig, string
from shared.perception.writers import writer_of

#: Seconds that the pictures of one run may take at least.
_LEAST = 10.0
_PICTURE = lazily(r"!\[|<img\b", re.IGNORECASE)


class PicturesDesk:
    """The pictures of one run's event."""

    #: What a flow that borrows it names in `reads`.
    READS: ClassVar[tuple[type[Query], ...]] = (ReadPictures,)
    ON_LINES: ClassVar[tuple[type[Query], ...]] = (ReadLinePictures,)

    def __init__(self, loan: Loan) -> None:
        self._loan, self._event = loan, loan.run.event

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def seen_by(self, role: str, *, issue: bool = False) -> tuple[Image | Attached, ...]:
        """Return what a model of the role is shown of the pictures in what was said, or in the
        `issue` that it was said in. Without any nothing is asked."""
        query, text = self._query(issue=issue)
        if query is None or not (count := len(_PICTURE.findall(text))):
            return ()
        if not self._loan.services[Models].sees(role):
            return (self._told(unseen(count)),)
        bodies: dict[str, bytes] = {}
        about = {"pictures": query.arguments}
        rows = self._loan.run.step(
            "read", about, lambda: Outcome([*self._rows(query, bodies)]), defer=True
        )
        if any("digest" in row for row in rows) and not bodies:
            [*self._rows(query, bodies)]  # a later attempt; the journal keeps no pictures
        return tuple(self._shown(row, bodies) for row in rows)

    def _query(self, *, issue: bool) -> tuple[ReadPictures | ReadLinePictures | None, str]:
        """Return what asks for the pictures of the text that it is about, and that text as it was
        written: the event's own shows no Markdown of pictures."""
        event, payload = self._event, self._event.payload
        of_comment = dig(payload, "comment")
        id_ = 0 if issue else of_comment.get("id", 0) if isinstance(of_comment, dict) else 0
        if type(id_) is not int or event.source != "github" or not event.issue_target:
            return None, ""
        here = event.issue
        text = string(payload, "comment", "body") if id_ else _body(event)
        if id_ and event.type.startswith("github.pull_request_review_comment."):
            return ReadLinePictures(here.repository, id_), text
        return ReadPictures(here.repository, here.number, id_), text

    def _rows(
        self, query: ReadPictures | ReadLinePictures, bodies: dict[str, bytes]
    ) -> Iterator[Json]:
        """Keep the bytes of each picture by their digest, and a row for the journal."""
        if self._loan.seconds_left() < _LEAST:
            yield {"name": "pictures", "note": "there was no time left to look at them"}
            return
        try:
            found = self._loan.read(query)["items"]
        except AgentFlowsError as err:
            log("pictures not read", run=self._loan.run.id, error=type(err).__name__)
            found = [{"name": "pictures", "note": "GitHub does not give them now"}]
        for one in found:
            body = b64decode(one.get("data", ""))
            kind = read_bytes(one["name"], body) if image_type(body) else None
            if kind and kind.image:
                digest = hashlib.sha256(body).hexdigest()
                bodies[digest] = body
                yield {"name": one["name"], "image": kind.image, "digest": digest}
            else:
                note = one.get("note") or (kind.note if kind else "") or "it is no picture"
                yield {"name": one["name"], "note": note}

    def _shown(self, row: Json, bodies: dict[str, bytes]) -> Image | Attached:
        body = bodies.get(row.get("digest", ""))
        if body is None:
            note = row.get("note", "GitHub does not give it now")
            return self._told(f"[{row['name']}: {note}]")
        return Image(row["image"], b64encode(body).decode(), row["name"])

    def _told(self, text: str) -> Attached:
        event = self._event
        author, trust = person(writer_of(event).name), trust_label(trust_of(event))
        return Attached("pictures", text, author, trust, event.url)


def _body(event: Event) -> str:
    return string(event.payload, "issue", "body") or string(event.payload, "pull_request", "body")
