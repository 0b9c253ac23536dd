"""botocore's descriptions of AWS's services: each session finds and parses them again, half of what
a client costs."""

from typing import Any


def keep_descriptions() -> None:
    """Find and parse each file once in this process, and share what it says among all sessions.

    The clients of one session share it too, so botocore leaves it as it is.
    """
    from botocore.hooks import EventAliaser
    from botocore.loaders import JSONFileLoader, Loader

    parsed: dict[str, Any] = {}
    parse = JSONFileLoader.load_file
    listed: dict[tuple[str, ...], list[str]] = {}
    walk = Loader.list_available_services

    def load_file(self: JSONFileLoader, file_path: str) -> Any:
        if file_path not in parsed:
            found = parse(self, file_path)
            if found is None:  # it may come
                return None
            parsed[file_path] = found
        return parsed[file_path]

    def list_available_services(self: Loader, type_name: str) -> list[str]:
        asked = (type_name, *self.search_paths)
        if asked not in listed:
            listed[asked] = walk(self, type_name)
        return listed[asked]

    # Each client looks for the present names of the same events anew, a tenth of its cost.
    names: dict[str, str] = {}
    EventAliaser._alias_name_cache = property(lambda _: names, lambda _, own: None)
    JSONFileLoader.load_file = load_file
    Loader.list_available_services = list_available_services
