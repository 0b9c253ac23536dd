"""Requests to the prompt cache, and a process that makes them: `python -m
tests.models.cache.cache_requests URL LOG ANSWER_AFTER SECONDS [THREADS]`.

Each call is one line in LOG, and each reply's source one line of the output.
"""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.database import Database, Statement
from shared.models import ChatMessage, ModelReply, ModelRequest, Usage
from shared.models.cache.prompt_cache import PromptCache
from shared.models.deadline import Deadline

TENANT = "github:acme"
MODEL = "openai:gpt-5.4-mini"
REPLY = ModelReply("A bug. 中文 🚀", "stop", Usage(100, 20, 10), MODEL, cost=0.25)


def asking(text: str = "How?") -> ModelRequest:
    return ModelRequest((ChatMessage("user", text),), max_tokens=50)


class Model:
    """Counts its calls, and does what the test says."""

    def __init__(self, answer: ModelReply | Exception = REPLY, after: float = 0.0) -> None:
        self.answer = answer
        self.after = after
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self) -> ModelReply:
        with self._lock:
            self.calls += 1
        time.sleep(self.after)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def prompt_cache(
    database: Database | None, hours: float = 1, megabytes: float = 1, entries: int = 512
) -> PromptCache:
    return PromptCache(database, hours=hours, megabytes=megabytes, entries=entries)


def ask(
    cache: PromptCache,
    call: Callable[[], ModelReply],
    request: ModelRequest | None = None,
    *,
    tenant: str = TENANT,
    model: str = MODEL,
    seconds: float = 10,
) -> ModelReply:
    return cache.get(tenant, model, request or asking(), Deadline(seconds), call)


def all_at_once(count: int, work: Callable[[int], ModelReply]) -> list[ModelReply]:
    barrier = threading.Barrier(count)

    def begin(number: int) -> ModelReply:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(begin, range(count)))


def rows(database: Database, sql: str = "select * from prompt_cache") -> list[dict[str, object]]:
    return database.run(TENANT, [Statement(sql, {})])[0]


def logged(log: Path, after: float) -> Callable[[], ModelReply]:
    """A call that takes `after` seconds and leaves a line in `log` when it begins."""

    def call() -> ModelReply:
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
