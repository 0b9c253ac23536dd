"""Reads what a file says from its bytes: text in any encoding, a table, a PDF, or what it is."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

#: Characters of a file that a model is shown; rows, columns and characters of a cell of a table.
CHARACTERS = 24_000
_ROWS, _COLUMNS, _CELL = 50, 20, 200
#: The least share of characters that are no control characters, in what is a text.
_READABLE = 0.98
#: Bytes of an image, and pixels of its longer side: the least of what providers take.
#: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html and
#: https://platform.claude.com/docs/en/build-with-claude/vision
IMAGE_BYTES, _PIXELS = 3_750_000, 8_000

MediaType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
#: The marks by which a text begins, the longer ones first.
_MARKS = (
    ("utf-8-sig", b"\xef\xbb\xbf"),
    *(("utf-32", mark) for mark in (b"\xff\xfe\0\0", b"\0\0\xfe\xff")),
    *(("utf-16", mark) for mark in (b"\xff\xfe", b"\xfe\xff")),
)
#: What no text begins with.
_ARCHIVES = {b"PK\x03\x04": "a ZIP or Office file", b"\x1f\x8b": "a gzip file"}
_ARCHIVES |= {b"7z\xbc\xaf": "a 7z file", b"\x7fELF": "a program", b"MZ": "a program"}


class FileRead(NamedTuple):
    """What a file says, or a `note` that says why it says nothing; of an image its type."""

    text: str = ""
    note: str = ""
    image: MediaType | None = None
    #: Of a recording the ending of its format.
    audio: str = ""


def read_bytes(name: str, body: bytes) -> FileRead:
    """Read a file of this name. What it is, its bytes decide, whatever it is called."""
    if not body:
        return FileRead(note="it is empty")
    if media_type := image_type(body):
        return _image(media_type, body)
    if kind := audio_type(body):
        return FileRead(audio=kind)
    if b"%PDF-" in body[:1_024]:
        from shared.hearing.pdf import pdf_text

        return FileRead(*pdf_text(body))
    for start, what in _ARCHIVES.items():
        if body.startswith(start) and not (what == "a program" and body.isascii()):
            return FileRead(note=f"it is {what}, which I cannot read")
    if (text := decoded(body)) is None:
        return FileRead(note="it is no text")
    if re.search(r"\.(csv|tsv)$", name.lower()) and (table := as_table(text)):
        return FileRead(table)
    return FileRead(*_cut(text))


def image_type(body: bytes) -> MediaType | None:
    """Tell the type of an image by its first bytes."""
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if body[:4] == b"RIFF" and body[8:12] == b"WEBP" else None


def audio_type(body: bytes) -> str:
    """Tell the format of a recording by its first bytes; a video may be one."""
    if body[4:8] == b"ftyp":
        return "m4a" if body[8:11] == b"M4A" else "mp4"
    if body[:4] == b"RIFF" and body[8:12] == b"WAVE":
        return "wav"
    starts = {b"OggS": "ogg", b"fLaC": "flac", b"\x1aE\xdf\xa3": "webm", b"ID3": "mp3"}
    found = next((kind for start, kind in starts.items() if body.startswith(start)), "")
    return found or ("mp3" if body[:1] == b"\xff" and body[1:2] in b"\xfb\xf3\xf2" else "")


def decoded(body: bytes) -> str | None:
    """Return the text in the encoding that it shows; None for what is none."""
    for encoding, mark in _MARKS:
        if body.startswith(mark):
            return _readable(body.decode(encoding, "replace"))
    even, odd = body[:4_000:2], body[1:4_000:2]
    for encoding, zeros, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros and zeros.count(0) > 0.6 * len(zeros) and letters.count(0) < 0.1 * len(letters):
            return _readable(body.decode(encoding, "replace"))
    if b"\0" in body:
        return None
    try:
        return _readable(body.decode())
    except UnicodeDecodeError:
        return _readable(body.decode("cp1252", "replace"))


def as_table(text: str) -> str:
    """Return the first rows of comma-separated values as a table, and how much is left out."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    rows: list[list[str]] = []
    left = 0
    try:
        # No cell is longer than the whole text.
        csv.field_size_limit(max(len(text), 131_072))
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if not any(cell.strip() for cell in row):
                continue
            if len(rows) > _ROWS:
                left += 1
            else:
                rows.append(row)
    except csv.Error:
        return ""
    if not rows or max(map(len, rows)) < 2:
        return ""
    return _table(rows, left)


def _table(rows: Sequence[Sequence[str]], left: int) -> str:
    widest = max(map(len, rows))
    width = min(widest, _COLUMNS)
    lines = [_row([*row[:width], *[""] * (width - len(row))]) for row in rows]
    lines.insert(1, "|" + " --- |" * width)
    out = [f"{left} more rows"] if left else []
    out += [f"{widest - width} more columns"] if widest > width else []
    return "\n".join([*lines, *([f"({' and '.join(out)} are left out)"] if out else [])])


def _row(cells: Sequence[str]) -> str:
    shown = (re.sub(r"\s+", " ", cell.replace("|", "¦")).strip() for cell in cells)
    return "| " + " | ".join(f"{c[:_CELL]}…" if len(c) > _CELL else c for c in shown) + " |"


def _image(media_type: MediaType, body: bytes) -> FileRead:
    if len(body) > IMAGE_BYTES:
        return FileRead(note=f"the image is larger than {IMAGE_BYTES / 1_000_000} MB")
    if max(pixels_of(media_type, body), default=0) > _PIXELS:
        return FileRead(note=f"the image has more than {_PIXELS} pixels on a side")
    return FileRead(image=media_type)


def pixels_of(media_type: MediaType, body: bytes) -> tuple[int, ...]:
    """Read the width and the height where they stand at the beginning; else nothing."""
    if media_type == "image/png" and len(body) >= 24:
        return int.from_bytes(body[16:20], "big"), int.from_bytes(body[20:24], "big")
    if media_type == "image/gif" and len(body) >= 10:
        return int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")
    if media_type == "image/jpeg" and (
        found := re.search(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf]..\x08(..)(..)", body, re.S)
    ):
        return int.from_bytes(found[2], "big"), int.from_bytes(found[1], "big")
    return ()


def _readable(text: str) -> str | None:
    sample = text[:20_000]
    good = sum(one.isprintable() or one in "\n\r\t\f\x1b" for one in sample)
    return text if good >= _READABLE * len(sample) else None


def _cut(text: str) -> tuple[str, str]:
    """Return the beginning of a text, and a note of what is left out."""
    if len(text) <= CHARACTERS:
        return (text, "") if text.strip() else ("", "it is blank")
    kept = text[:CHARACTERS].rpartition("\n")[0] or text[:CHARACTERS]
    lines = text[len(kept) :].strip("\n").count("\n") + 1
    return kept, f"the last {len(text) - len(kept)} characters ({lines} lines) are left out"
