"""Reads the files that came with messages, for one run, and shows those that came earlier: each is
data with its name and author, or one line that says why it is not read. None fails the run."""

import hashlib
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from shared.actions.slack.heard.queries import ReadSlackFile
from shared.agent.context import Attached
from shared.desk import Loan
from shared.errors import ActionError
from shared.events import Event, Json
from shared.hearing.ear import MOST_BYTES, Ear
from shared.hearing.file_kinds import IMAGE_BYTES, FileRead, image_type, read_bytes
from shared.journal import Outcome
from shared.memory.attribution import person, trust_label, trust_of
from shared.memory.conversations.turns import EarlierFile
from shared.models import Image
from shared.models.routing import Models
from shared.perception import dig, items, string
from shared.perception.writers import writer_of

#: Files of one run, their bytes, and the seconds and characters that all of them may take.
_MOST, _BYTES, _SECONDS, _CHARACTERS = 10, 10_000_000, 25.0, 60_000
#: Pictures that came earlier and are shown again.
_PICTURES = 3
_RECORDED = ("audio/", "video/")
_GONE = {"tombstone": "it was deleted", "hidden_by_limit": "the workspace's plan hides it"}


class Attachments(NamedTuple):
    """What came with messages: blocks to show, the pictures among them, and what the conversation
    keeps of the files, by the ids of their events."""

    shown: tuple[Attached, ...] = ()
    images: tuple[Image, ...] = ()
    kept: Mapping[str, Sequence[Json]] = {}


class _File(NamedTuple):
    """A file, the message that it came with, who sent it and how far that is to be trusted; of one
    that came `earlier`, where."""

    about: Json
    event: Event
    author: str
    trust: str
    earlier: str = ""

    @property
    def id(self) -> str:
        return string(self.about, "id")

    @property
    def name(self) -> str:
        return string(self.about, "name") or string(self.about, "title") or self.id


def attachments(
    loan: Loan, said: Sequence[Event], earlier: Sequence[EarlierFile] = ()
) -> Attachments:
    """Read the files of the messages, as a step, and show those that came earlier as they were
    kept: only pictures are fetched again, and only for models that see them."""
    files = [*_files(said)]
    bodies: dict[str, bytes] = {}
    rows = _rows(loan, files[:_MOST], bodies) if files else []
    read = [*zip(files, rows, strict=False)]
    shown = [_shown(loan, file, row) for file, row in read]
    if left := files[_MOST:]:
        shown.append(_shown(loan, left[0], {"note": f"{len(left)} files more are not read"}))
    kept: dict[str, list[Json]] = {}
    for file, row in read:
        kept.setdefault(file.event.id, []).append({"id": file.id, "name": file.name, **row})
    now = {file.id for file in files}
    before = [*_earlier(loan, (one for one in earlier if one.about["id"] not in now))]
    shown += [_shown(loan, file, row) for file, row in before]
    pictures = [(file, row) for file, row in before if row.get("image")][:_PICTURES]
    pictures = pictures if pictures and loan.services[Models].sees("large") else []
    images = [_image(loan, *one, bodies) for one in (*read, *pictures) if one[1].get("image")]
    return Attachments(tuple(shown), tuple(filter(None, images)), kept)


def _rows(loan: Loan, files: Sequence[_File], bodies: dict[str, bytes]) -> list[Json]:
    """Return what each file says, as a step; keep the bytes of images."""

    def work() -> Outcome:
        ear = Ear(loan)
        rows = [*_read(loan, files, bodies, ear)]
        return Outcome(rows, ear.model, cost=ear.cost)

    about = {"files": [file.id for file in files]}
    return list(loan.run.step("read", about, work, defer=True))


def _earlier(loan: Loan, earlier: Iterable[EarlierFile]) -> Iterator[tuple[_File, Json]]:
    for one in earlier:
        author, trust = person(one.author), trust_label(one.trust)
        yield _File(one.about, loan.run.event, author, trust, one.url), one.about


def _files(said: Sequence[Event]) -> Iterator[_File]:
    for event in said:
        inner = dig(event.payload, "event")
        message = dig(inner, "message") if dig(inner, "subtype") == "message_changed" else inner
        for about in items(message, "files"):
            if isinstance(about, dict) and string(about, "id"):
                author, trust = person(writer_of(event).name), trust_label(trust_of(event))
                yield _File(about, event, author, trust)


def _read(loan: Loan, files: Sequence[_File], bodies: dict[str, bytes], ear: Ear) -> Iterator[Json]:
    """Read each file within what all of them may take; keep the bytes of images."""
    end, room = time.monotonic() + min(_SECONDS, loan.seconds_left() / 3), _CHARACTERS
    for file in files:
        if time.monotonic() > end:
            yield {"note": "there was no time left to read it"}
            continue
        body, note = _bytes(loan, file)
        found = FileRead(note=note) if note else read_bytes(file.name, body)
        if found.audio:
            length = file.about.get("duration_ms")
            seconds = length / 1000 if type(length) is int and length > 0 else 0.0
            found = FileRead(*ear.hear(body, found.audio, seconds))
        row = {"text": found.text[:room], "note": found.note}
        if len(found.text) > room:
            row["note"] = "the rest is left out, as the files say too much together"
        room -= len(row["text"])
        if body:
            row["digest"] = hashlib.sha256(body).hexdigest()
        if found.image:
            bodies[file.id] = body
            row["image"] = found.image
        yield row


def _bytes(loan: Loan, file: _File) -> tuple[bytes, str]:
    """Return the bytes of a file, or a note of why there are none."""
    about = file.about
    if gone := _GONE.get(string(about, "mode")):
        return b"", gone
    url = string(about, "url_private_download") or string(about, "url_private")
    if string(about, "file_access") == "check_file_info":
        url = ""
    size: Any = about.get("size")
    size = size if type(size) is int else 0
    try:
        most = MOST_BYTES if string(about, "mimetype").startswith(_RECORDED) else _BYTES
        found = loan.read(ReadSlackFile(file.event.thread, file.id, url, size, most))
    except ActionError:
        return b"", "Slack does not give it now"
    return b64decode(found.get("data", "")), str(found.get("note", ""))


def _image(loan: Loan, file: _File, row: Json, bodies: dict[str, bytes]) -> Image | None:
    """Return the picture; a later attempt reads its bytes again."""
    body = bodies.get(file.id) or _bytes(loan, file)[0]
    same = hashlib.sha256(body).hexdigest() == row["digest"]
    media_type = image_type(body)
    if not same or media_type is None or len(body) > IMAGE_BYTES:
        return None
    return Image(media_type, b64encode(body).decode(), file.name)


def _stands(loan: Loan, file: _File, row: Json) -> bool:
    """Does Slack still give the same bytes? It is asked anew where they are."""
    if not row.get("digest"):
        return True  # nothing was read; that is what the line says
    about = {"id": file.id, "mimetype": _RECORDED[0]}
    body, _ = _bytes(loan, file._replace(about=about))
    return hashlib.sha256(body).hexdigest() == string(row, "digest")


def _shown(loan: Loan, file: _File, row: Json) -> Attached:
    kind = f" ({row['image'].removeprefix('image/')} image)" if row.get("image") else ""
    note = f"[{file.name}: {row['note']}]" if row.get("note") else ""
    text = "\n".join(filter(None, (row.get("text", ""), note))) or f"[{file.name}{kind}]"
    when = " (sent earlier)" if file.earlier else ""
    name, looks = f"file {file.name}{when}", partial(_stands, loan, file, row)
    return Attached(
        name, text, file.author, file.trust, file.earlier, ref=f"file {file.id}", stands=looks
    )
