"""Tells a mistyped name from another word: people also write to other bots (`/retest`, `/preview`)
and about paths, so the agent answers only what can hardly be anything else."""

_ENDINGS = frozenset({"s", "d", "r", "ed", "er"})


def wrong_letters(typed: str, name: str) -> int:
    """Count the letters that are wrong in a `typed` name: left out, added, changed, or swapped with
    the next. Return 0 where it is the name, or another word.

    The first letter must be right, or swapped. One may be wrong, two in a name of eight and more,
    and in one of four or less only their order. A plural or a past is another word.
    """
    if typed.removeprefix(name) in _ENDINGS:
        return 0
    most = 2 if len(name) >= 8 else 1
    is_begun = typed[0] == name[0] or typed[:2] == name[1::-1]
    if not is_begun or abs(len(typed) - len(name)) > most:
        return 0
    if len(name) <= 4 and sorted(typed) != sorted(name):
        return 0
    wrong = _distance(typed, name)
    return wrong if wrong <= most else 0


def _distance(one: str, other: str) -> int:
    """Return the optimal string alignment distance of two words."""
    earlier: list[int] = []
    before: list[int] = []
    row: list[int] = [*range(len(other) + 1)]
    for at, letter in enumerate(one, 1):
        earlier, before, row = before, row, [at]
        for to, against in enumerate(other, 1):
            cost = min(before[to] + 1, row[-1] + 1, before[to - 1] + (letter != against))
            is_swapped = at > 1 and to > 1 and (letter, one[at - 2]) == (other[to - 2], against)
            row.append(min(cost, earlier[to - 2] + 1) if is_swapped else cost)
    return row[-1]
