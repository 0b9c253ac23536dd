"""What the tests of the prompt cache ask, and a process that asks it: `python -m
tests.models.cached URL LOG ANSWER_AFTER SECONDS [THREADS]`.

Each call is one line in LOG, and each reply's source one line of the output.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.database import Database
from shared.models import Message, Reply, Request, Usage
from shared.models.cache import PromptCache
from shared.models.deadline import Deadline

TENANT = "github:acme"
MODEL = "openai:gpt-5.4-mini"
REPLY = Reply("A bug. 中文 🚀", "stop", Usage(100, 20, 10), MODEL, cost=0.25)


def asking(text: str = "How?") -> Request:
    return Request((Message("user", text),), max_tokens=50)


def logged(log: Path, after: float) -> Callable[[], Reply]:
    """A call that takes `after` seconds and leaves a line in `log` when it begins."""

    def call() -> Reply:
        with log.open("a", encoding="utf-8") as file:
            file.write("called\n")
        time.sleep(after)
        return REPLY

    return call


def main(url: str, log: str, after: str, seconds: str, threads: str = "1") -> None:
    with Database(url, patience=5) as database, ThreadPoolExecutor(int(threads)) as pool:
        cache = PromptCache(database, hours=1, megabytes=1)
        call = logged(Path(log), float(after))

        def ask(_: int) -> str:
            return cache.get(TENANT, MODEL, asking(), Deadline(float(seconds)), call).source

        print(*pool.map(ask, range(int(threads))), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
