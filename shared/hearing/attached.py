"""Reads the files that came with messages, for one run: each is data with its name and author, or
one line that says why it is not read. None of them fails the run."""

import hashlib
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
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
from shared.models import Image
from shared.perception import dig, items, string
from shared.perception.writers import writer_of

#: Files of one run, their bytes, and the seconds and characters that all of them may take.
_MOST, _BYTES, _SECONDS, _CHARACTERS = 10, 10_000_000, 25.0, 60_000
_RECORDED = ("audio/", "video/")
_GONE = {"tombstone": "it was deleted", "hidden_by_limit": "the workspace's plan hides it"}


class Attachments(NamedTuple):
    """What came with messages: blocks to show, and the pictures among them."""

    shown: tuple[Attached, ...] = ()
    images: tuple[Image, ...] = ()


class _File(NamedTuple):
    """A file, and the message that it came with."""

    about: Json
    event: Event

    @property
    def id(self) -> str:
        return string(self.about, "id")

    @property
    def name(self) -> str:
        return string(self.about, "name") or string(self.about, "title") or self.id


def attachments(loan: Loan, said: Sequence[Event]) -> Attachments:
    """Read the files of the messages, as a step."""
    files = [*_files(said)]
    if not files:
        return Attachments()
    bodies: dict[str, bytes] = {}

    def work() -> Outcome:
        ear = Ear(loan)
        rows = [*_read(loan, files[:_MOST], bodies, ear)]
        return Outcome(rows, ear.model, cost=ear.cost)

    about = {"files": [file.id for file in files]}
    rows = loan.run.step("read", about, work, defer=True)
    shown = [_shown(file, row) for file, row in zip(files, rows, strict=False)]
    if left := files[_MOST:]:
        shown.append(_shown(left[0], {"note": f"{len(left)} files more are not read"}))
    images = [
        image
        for file, row in zip(files, rows, strict=False)
        if row.get("image") and (image := _image(loan, file, row, bodies))
    ]
    return Attachments(tuple(shown), tuple(images))


def _files(said: Sequence[Event]) -> Iterator[_File]:
    for event in said:
        inner = dig(event.payload, "event")
        message = dig(inner, "message") if dig(inner, "subtype") == "message_changed" else inner
        for about in items(message, "files"):
            if isinstance(about, dict) and string(about, "id"):
                yield _File(about, event)


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
        if found.image:
            bodies[file.id] = body
            row |= {"image": found.image, "digest": hashlib.sha256(body).hexdigest()}
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


def _shown(file: _File, row: Json) -> Attached:
    kind = f" ({row['image'].removeprefix('image/')} image)" if row.get("image") else ""
    note = f"[{file.name}: {row['note']}]" if row.get("note") else ""
    text = "\n".join(filter(None, (row.get("text", ""), note))) or f"[{file.name}{kind}]"
    author = person(writer_of(file.event).name)
    return Attached(f"file {file.name}", text, author, trust_label(trust_of(file.event)))
