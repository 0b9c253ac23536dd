"""Claims of the stories of `histories`, told without a word that these are told in."""

#: By the path of the story.
PARAPHRASES = {
    "shop/carts.py": (
        "An object may define its own operator here, and then this lies; `is` cannot be fooled.",
        "Prefer `is` over `==` for singletons.",
    ),
    "app/cache.py": (
        "Ctrl-C and a typo end up in the same branch, and nobody ever hears of them.",
        "Name the class that you expect, or problems vanish without a trace.",
    ),
    "app/http.py": (
        "Sockets pile up until the process has none left; a `with` block would give them back.",
        "Use a context manager, lest handles run out.",
    ),
    "app/customers.py": (
        "Quotes in the argument end the literal early; bind parameters instead.",
        "An attacker controls what the server executes; use placeholders.",
    ),
    "src/Downloads.java": (
        "When both increment together, one of the two is dropped; use `merge`.",
        "`ConcurrentHashMap.merge` does this in one go, while here increments go missing.",
    ),
    "web/editor.ts": (
        "The user's last edits vanish, since the tab goes away too soon.",
        "What was typed is gone when the tab shuts too early.",
    ),
    "api/paging.go": (
        "Twenty rows with ten on each give three where two are right.",
        "Integer division rounds down; one more overshoots when nothing is left.",
    ),
    "app/orders.rb": (
        "A hundred rows mean a hundred round trips; preload the association.",
        "Fetch them all at once with eager loading.",
    ),
    "auth/login.py": (
        "Whoever reads these files learns how people sign in elsewhere too.",
        "Passphrases in plain text reach every aggregator; mask them.",
    ),
    "app/lock.py": (
        "It hangs a thousand times longer than meant; convert before adding.",
        "The constant is off by three orders of magnitude against the clock.",
    ),
    "app/合计.py": ("没有商品时程序会崩溃。", "传入 None 会让程序直接报错退出。"),
    "web/total.js": (
        "Markup in it is executed by the browser of whoever looks.",
        "A comment with a tag takes over the page of other visitors.",
    ),
}  # fmt: skip
