"""botocore's descriptions of AWS's services: each session parses them again, half a client."""

from typing import Any


def keep_descriptions() -> None:
    """Parse each file once in this process, and share what it says among all sessions.

    The clients of one session share it too, so botocore leaves it as it is.
    """
    from botocore.loaders import JSONFileLoader

    parsed: dict[str, Any] = {}
    parse = JSONFileLoader.load_file

    def load_file(self: JSONFileLoader, file_path: str) -> Any:
        if file_path not in parsed:
            found = parse(self, file_path)
            if found is None:  # it may come
                return None
            parsed[file_path] = found
        return parsed[file_path]

    JSONFileLoader.load_file = load_file
