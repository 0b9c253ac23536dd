"""Spilling: where the results of a map wait that the process's memory does not hold."""

import bisect
import hashlib
import os
import tempfile
import time
import uuid
import weakref
from typing import NamedTuple, Protocol

from shared.aws.signed_http import s3_object
from shared.errors import PublishError, SettingsError
from shared.settings import Settings

#: Bytes of one object: each costs a request. So many wait for the next one, and as many are kept of
#: the last that was read.
SEGMENT = 4_000_000
#: Seconds for each part of S3's answer, which has a whole segment to keep.
_TIMEOUT = 20.0
_TRIES, _PAUSE = 4, 0.5


class Place(NamedTuple):
    """Where a result is among all that were spilled, in bytes."""

    offset: int
    length: int


class Spill(Protocol):
    """Takes results one after another, and gives each back when it is asked for."""

    end: int

    def write(self, packed: bytes) -> Place:
        """Keep bytes; raises SettingsError when they cannot be kept."""
        ...

    def read(self, place: Place) -> bytes: ...


def spill_of(settings: Settings, run: str) -> Spill:
    """Return what MAP_SPILL names; raises SettingsError."""
    where = settings.map_spill.lower()
    if where == "disk":
        return SpillFile()
    if where != "s3":
        raise SettingsError(f"MAP_SPILL is {settings.map_spill!r}; expected disk or s3")
    if not settings.payload_bucket:
        raise SettingsError("MAP_SPILL is s3, but PAYLOAD_BUCKET names no bucket")
    return SpillBucket(settings.payload_bucket, run)


class SpillFile:
    """A file in the function's /tmp. It has no name, so it is gone with this object or with its
    process."""

    def __init__(self) -> None:
        self.end = 0
        self._file: int | None = None

    def write(self, packed: bytes) -> Place:
        place = Place(self.end, len(packed))
        try:
            self._write(packed)
        except OSError as err:
            raise SettingsError(
                f"no room on the disk for the results of agent.map ({err.strerror}, after"
                f" {self.end} bytes); give the function more EphemeralStorage, set MAP_SPILL=s3, or"
                " raise MAP_MEMORY_MB"
            ) from err
        return place

    def read(self, place: Place) -> bytes:
        return b"" if self._file is None else os.pread(self._file, place.length, place.offset)

    def _write(self, packed: bytes) -> None:
        if self._file is None:
            self._file, path = tempfile.mkstemp(prefix="agent-map-")
            weakref.finalize(self, os.close, self._file)
            os.unlink(path)
        while packed:
            written = os.pwrite(self._file, packed, self.end)
            self.end, packed = self.end + written, packed[written:]


class SpillBucket:
    """Objects in a bucket, each of SEGMENT bytes or of one larger result. The bucket's lifecycle
    removes them: a process that dies cannot.

    What comes back must be what was written, by its hash: whoever else may write to the bucket runs
    nothing here.
    """

    def __init__(self, bucket: str, run: str) -> None:
        self.end = 0
        self._bucket = bucket
        self._folder = f"maps/{run}/{uuid.uuid4().hex}"
        self._starts: list[int] = []
        self._hashes: list[bytes] = []
        self._waiting = bytearray()
        self._last: tuple[int, bytes] = (-1, b"")

    def write(self, packed: bytes) -> Place:
        place = Place(self.end, len(packed))
        if self._waiting and len(self._waiting) + len(packed) > SEGMENT:
            self._put()
        self._waiting += packed
        self.end += len(packed)
        return place

    def read(self, place: Place) -> bytes:
        waiting_from = self.end - len(self._waiting)
        if place.offset >= waiting_from:
            at, segment = place.offset - waiting_from, bytes(self._waiting)
        else:
            number = bisect.bisect_right(self._starts, place.offset) - 1
            at, segment = place.offset - self._starts[number], self._segment(number)
        return segment[at : at + place.length]

    def _put(self) -> None:
        segment = bytes(self._waiting)
        self._request("PUT", len(self._starts), segment)
        self._starts.append(self.end - len(segment))
        self._hashes.append(hashlib.sha256(segment).digest())
        self._waiting.clear()

    def _segment(self, number: int) -> bytes:
        if self._last[0] != number:
            segment = self._request("GET", number, b"")
            if hashlib.sha256(segment).digest() != self._hashes[number]:
                raise SettingsError(
                    f"s3: {self._bucket}/{self._folder}/{number} is not what was written there; let"
                    " nobody else write to PAYLOAD_BUCKET"
                )
            self._last = (number, segment)
        return self._last[1]

    def _request(self, method: str, number: int, body: bytes) -> bytes:
        """Raises SettingsError when S3 refuses, PublishError when it cannot be reached."""
        for attempt in range(_TRIES):
            try:
                key = f"{self._folder}/{number}"
                reply = s3_object(method, self._bucket, key, body, timeout=_TIMEOUT)
            except PublishError:
                if attempt == _TRIES - 1:
                    raise
            else:
                if reply.status == 200:
                    return reply.body
                if (reply.status < 500 and reply.status != 429) or attempt == _TRIES - 1:
                    raise SettingsError(
                        f"s3: the bucket {self._bucket} answered {reply.status} for the results of"
                        f" agent.map; look at MAP_SPILL, PAYLOAD_BUCKET and the function's policy"
                        f" (s3:{method.title()}Object)"
                    )
            time.sleep(_PAUSE * 2**attempt)
        raise AssertionError("unreachable")
