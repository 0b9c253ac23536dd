"""Generated histories of a pull request: findings that people dismissed, and pushes after which a
model finds them again in other words, on moved lines, in renamed files."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.events import Issue
from shared.learning.findings import KeptFinding, kept_as

_NAMES = re.compile(r"\b(session|before|file|orders|name|deadline|message)\b")

PULL = Issue("acme/shop", 7)


class Told(NamedTuple):
    """What a finding is about, and how it may be told."""

    path: str
    code: tuple[str, ...]
    categories: tuple[str, ...]
    claims: tuple[str, ...]


STORIES: tuple[Told, ...] = (
    Told(
        "shop/carts.py",
        ("    if cart.customer == None:", "        continue"),
        ("bug", "style"),
        (
            "`cart.customer` is compared with `None` by equality.",
            "Comparing `cart.customer` with `== None` calls `__eq__`, which may be overridden.",
            "Equality is used to compare `cart.customer` and `None`; identity is meant.",
            "Use `is None` for the comparison of `cart.customer`.",
            "`== None` asks the class of `cart.customer`. Compare by identity.",
        ),
    ),
    Told(
        "app/cache.py",
        ("    except:", "        return None"),
        ("bug",),
        (
            "It catches everything, an interrupt too.",
            "A bare `except` swallows all exceptions, including `KeyboardInterrupt`.",
            "Bare except: every error is caught and hidden.",
            "All exceptions are swallowed here, so failures stay hidden.",
            "Catching everything hides errors, also an interrupt by a person.",
        ),
    ),
    Told(
        "app/http.py",
        ("    session = connect(url, timeout=3)", "    return session.get(path).json()"),
        ("bug", "performance"),
        (
            "The session is never closed when the request fails, so connections leak.",
            "When the request fails, nothing closes the session.",
            "Connections leak: a failing request leaves `session` open.",
            "`session` is not closed on errors, which leaks a connection each time.",
            "Missing close of the session if `get` raises; the connection stays open.",
        ),
    ),
    Told(
        "app/customers.py",
        ('    cursor.execute(f"select id from customers where name = \'{name}\'")',),
        ("security",),
        (
            "The name is written into the statement, so anybody can run SQL of their own.",
            "SQL injection: `name` is interpolated into the query.",
            "`name` comes from the request and is put into the SQL unescaped.",
            "User input is concatenated into a SQL statement, which allows injection.",
            "The query is built with an f-string from user input, so SQL can be injected.",
        ),
    ),
    Told(
        "src/Downloads.java",
        (
            "        Integer before = counts.get(file);",
            "        counts.put(file, before == null ? 1 : before + 1);",
        ),
        ("concurrency", "bug"),
        (
            "Two threads read the same count and both write it plus one, so downloads are lost.",
            "Race condition: `get` and `put` are not atomic, so updates are lost.",
            "Concurrent calls lose updates, since the count is read and written separately.",
            "This read-modify-write is no atomic operation; another thread may come between.",
            "The count is not updated atomically, and two threads overwrite each other.",
        ),
    ),
    Told(
        "web/editor.ts",
        ("    save(draft);", "  window.close();"),
        ("data loss", "bug"),
        (
            "Nothing waits for the promise of `save`, so the window closes before it is stored.",
            "`save` is not awaited, and the window is closed before the draft is saved.",
            "Missing `await`: the promise that `save` returns is ignored.",
            "The draft may be lost, because the code does not await `save`.",
            "The promise of `save(draft)` floats; wait for it before `close`.",
        ),
    ),
    Told(
        "api/paging.go",
        ("\treturn total/size + 1",),
        ("bug",),
        (
            "A total that is a multiple of the size gets one page too many.",
            "Off by one: when `total` is divisible by `size`, an empty page is added.",
            "There is one page too many if `total` is a multiple of `size`.",
            "For multiples of `size` the number of pages is one too high.",
            "The last page is empty when `size` divides `total`: off by one.",
        ),
    ),
    Told(
        "app/orders.rb",
        ("    @names = @orders.map { |order| order.customer.name }",),
        ("performance",),
        (
            "Each order asks the database for its customer: a query for each row.",
            "N+1 queries: `customer` is loaded for every order.",
            "The customer of every order is queried separately; use `includes`.",
            "This loads `order.customer` in a loop, a database query each time.",
            "One query per order is sent to load its customer.",
        ),
    ),
    Told(
        "auth/login.py",
        ('        log.warning("login failed for %s with %s", name, password)',),
        ("security",),
        (
            "The password that was typed goes into the logs.",
            "`password` is logged in plain text.",
            "Do not log passwords: this writes the password to the log.",
            "Sensitive data is logged: the password of a failed login.",
            "A secret, the password, is written to the logs in clear.",
        ),
    ),
    Told(
        "app/lock.py",
        ("    deadline = time.monotonic() + PATIENCE",),
        ("bug",),
        (
            "`PATIENCE` is in milliseconds and `monotonic` in seconds, so it waits 83 minutes.",
            "Units are mixed: seconds of `monotonic` and milliseconds of `PATIENCE`.",
            "`PATIENCE` must be divided by 1000, since it is in milliseconds.",
            "Milliseconds are added to seconds, so the deadline is far too late.",
            "Wrong unit: `time.monotonic()` gives seconds, not milliseconds.",
        ),
    ),
    Told(
        "app/合计.py",
        ("    return sum(项.价格 for 项 in 购物车)",),
        ("bug",),
        (
            "购物车为空值时这里会抛出异常。",
            "如果购物车是空值，求和会抛出异常。",
            "没有检查购物车是否为空值，会抛出异常。",
            "购物车可能为空值，遍历时抛出异常。",
            "空值的购物车在这里引发异常。",
        ),
    ),
    Told(
        "web/total.js",
        ("  element.innerHTML = message;",),
        ("security",),
        (
            "The message of a person becomes HTML, so they can run scripts (XSS).",
            "XSS: `message` is assigned to `innerHTML` without escaping.",
            "`innerHTML` with user input allows script injection.",
            "Unescaped text is set as `innerHTML`; a script in it would run.",
            "Use `textContent`: `innerHTML` executes HTML that users send.",
        ),
    ),
)  # fmt: skip


def kept(
    told: Told,
    *,
    claim: int = 0,
    category: int = 0,
    path: str = "",
    code: str = "",
    severity: str = "medium",
) -> KeptFinding:
    """Return a finding as the store has it."""
    return kept_as(
        PULL,
        path or told.path,
        10,
        code or "\n".join(told.code),
        severity=severity,
        category=told.categories[category],
        claim=told.claims[claim],
    )


class Push(NamedTuple):
    """What a push made of the files: their new paths; and what a model finds then."""

    moved: dict[str, str]
    found: tuple[KeptFinding, ...]


def pushes(chance: random.Random, stories: Sequence[Told], count: int = 20) -> Iterator[Push]:
    """Let a pull request be pushed to, and be reviewed in full after each."""
    paths = {told.path: told.path for told in stories}
    for number in range(count):
        if chance.random() < 0.3:  # a file moves, or gets another name
            one = chance.choice(stories).path
            name = paths[one].rpartition("/")[2]
            paths[one] = chance.choice((f"moved{number}/{name}", f"src/other{number}_{name}"))
        found = tuple(_found(chance, told, paths[told.path]) for told in stories)
        yield Push(dict(paths), found)


def _found(chance: random.Random, told: Told, path: str) -> KeptFinding:
    return kept(
        told,
        claim=chance.randrange(len(told.claims)),
        category=chance.randrange(len(told.categories)),
        path=path,
        code=_written(chance, told.code),
        severity=chance.choice(("low", "medium", "medium", "high")),
    )


def _written(chance: random.Random, code: Sequence[str]) -> str:
    """Write code as a model may quote it after a push: indented otherwise, with more or fewer
    lines, with a remark, with spaces elsewhere, with other names."""
    lines = [*code]
    how = chance.randrange(7)
    if how == 0:
        lines = [f"    {line}" for line in lines]
    elif how == 1:
        lines = ["    # as agreed with the team", *lines]
    elif how == 2:
        lines = [*lines, "    log.debug(path)"]
    elif how == 3 and len(lines) > 1:
        lines = lines[:1]
    elif how == 4:
        lines = [line.replace(", ", ",").replace(" = ", "=") for line in lines]
    elif how == 5:  # somebody changed the line
        lines = [
            re.sub(r"\b(session|sum|before|status|file|orders|name)\b", r"new_\1", line)
            for line in lines
        ]
    return "\n".join(lines)
