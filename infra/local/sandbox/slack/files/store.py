"""The files of the workspace, and the methods about them.

https://docs.slack.dev/reference/methods/files.getUploadURLExternal, which gives an address to post
the bytes to, https://docs.slack.dev/reference/methods/files.completeUploadExternal, which shares
them, and https://docs.slack.dev/reference/objects/file-object
"""

import json
import mimetypes
import threading
from itertools import count
from typing import Any

from infra.local.sandbox.slack.workspace import BOT_USER, TEAM, Refusal, Workspace
from shared.events import Json

#: Types that Slack names otherwise than their ending.
_TYPES = {"txt": "text", "py": "python", "jpeg": "jpg", "": "binary"}


class Files:
    """Threads may share it. `root` is where the bytes are served, as `http://host:port`."""

    def __init__(self, workspace: Workspace) -> None:
        self.root = ""
        self._workspace = workspace
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._rows: dict[str, Json] = {}
        self._bodies: dict[str, bytes] = {}
        self.methods = {
            "files.completeUploadExternal": self._complete,
            "files.getUploadURLExternal": self._upload_url,
            "files.info": self._info,
        }

    def add(self, name: str, body: bytes, user: str, **changes: Any) -> Json:
        """Keep a file and return it as Slack shows it; `changes` replace fields of that."""
        with self._lock:
            id_ = f"F0{next(self._numbers):08}"
            row = self._row(id_, name, len(body), user) | changes
            self._rows[id_], self._bodies[id_] = row, body
            return row

    def shown(self, id_: str, *, known: bool = True) -> Json:
        """Return a file as an event shows it, or as one in a channel of two companies."""
        row = self._rows[id_]
        hidden = {"id": id_, "mode": "file_access", "file_access": "check_file_info"}
        return row if known else hidden | {"created": 1, "timestamp": 1, "user": row["user"]}

    def body(self, id_: str) -> bytes | None:
        return self._bodies.get(id_)

    def delete(self, id_: str) -> None:
        """Let nobody find a file any more."""
        with self._lock:
            self._rows.pop(id_)
            self._bodies.pop(id_)

    def replace(self, id_: str, body: bytes) -> None:
        """Let a file say something else, as its author may edit a snippet."""
        with self._lock:
            self._bodies[id_] = body

    def put(self, id_: str, body: bytes) -> bool:
        """Take the bytes of an upload that was announced."""
        with self._lock:
            if id_ not in self._rows or len(body) != self._rows[id_]["size"]:
                return False
            self._bodies[id_] = body
            return True

    def _row(self, id_: str, name: str, size: int, user: str) -> Json:
        ending = name.rpartition(".")[2].lower() if "." in name else ""
        url = f"{self.root}/files-pri/{TEAM}-{id_}"
        return {
            "id": id_,
            "name": name,
            "title": name,
            "mimetype": mimetypes.guess_type(name)[0] or "application/octet-stream",
            "filetype": _TYPES.get(ending, ending),
            "user": user,
            "user_team": TEAM,
            "size": size,
            "mode": "hosted",
            "is_external": False,
            "is_public": True,
            "url_private": f"{url}/{_plain(name)}",
            "url_private_download": f"{url}/download/{_plain(name)}",
            "file_access": "visible",
        }

    def _upload_url(self, _: Workspace, arguments: Json) -> Json:
        name, length = str(arguments.get("filename") or ""), str(arguments.get("length") or "")
        if not name or not length.isdigit():
            raise Refusal("invalid_arguments")
        row = self.add(name, b"", BOT_USER)
        row["size"] = int(length)
        return {"upload_url": f"{self.root}/upload/v1/{row['id']}", "file_id": row["id"]}

    def _complete(self, workspace: Workspace, arguments: Json) -> Json:
        """Share uploaded files into a channel, if one is named."""
        given = arguments.get("files") or "[]"
        listed = json.loads(given) if isinstance(given, str) else given
        rows = []
        for one in listed:
            row = self._rows.get(str(one.get("id")))
            if row is None or len(self._bodies[row["id"]]) != row["size"]:
                raise Refusal("file_not_found")
            row["title"] = one.get("title") or row["title"]
            rows.append(row)
        if arguments.get("channel_id"):
            channel = workspace.channel(str(arguments["channel_id"]))["id"]
            text = str(arguments.get("initial_comment") or "")
            thread = arguments.get("thread_ts")
            workspace.post(channel, BOT_USER, thread, text=text, files=rows, subtype="file_share")
        return {"files": rows}

    def _info(self, _: Workspace, arguments: Json) -> Json:
        row = self._rows.get(str(arguments.get("file")))
        if row is None:
            raise Refusal("file_not_found")
        return {"file": row}


def _plain(name: str) -> str:
    """Write a name as Slack's addresses do: small, and without other signs."""
    return "".join(
        one if (one.isascii() and one.isalnum()) or one in "._-" else "_" for one in name
    )
