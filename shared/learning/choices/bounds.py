"""Bounds of chances: each arm keeps a least chance, so that the next policy can be estimated from
what this one chose; and what explores has a share that it does not exceed."""

from collections.abc import Sequence

from shared.choosing import Arm, Chances, named


def bounded(chances: Sequence[float], floor: float, share: float) -> tuple[float, ...]:
    """Return the chances with at least `floor` for each arm, and for all but the likeliest together
    at most `share`. The floor gives way where the share is too small for it."""
    best = max(range(len(chances)), key=lambda at: chances[at])
    others = [at for at in range(len(chances)) if at != best]
    if not others:
        return (1.0,)
    floor = min(floor, share / len(others))
    over = sum(max(chances[at] - floor, 0.0) for at in others)
    room = max(share - floor * len(others), 0.0)
    scale = min(1.0, room / over) if over else 0.0
    found = [floor + max(one - floor, 0.0) * scale for one in chances]
    found[best] = 1.0 - sum(found[at] for at in others)
    return tuple(found)


def greedy(values: Sequence[float], floor: float, share: float) -> tuple[float, ...]:
    """Return chances that choose the largest value, but for the share, in which all are alike."""
    best = max(range(len(values)), key=lambda at: values[at])
    explored = [share / len(values)] * len(values)
    explored[best] += 1.0 - share
    return bounded(explored, floor, share)


def mixed(trusted: Chances, other: Chances, share: float) -> Chances:
    """Return chances that are the `trusted` ones, but for a `share` in which the other chooses."""
    arms = {named(arm): arm for arm in (*trusted.arms, *other.arms)}
    order = tuple(arms.values())

    def blend(one: Sequence[float], two: Sequence[float]) -> tuple[float, ...]:
        return tuple((1 - share) * a + share * b for a, b in zip(one, two, strict=True))

    buckets = {
        bucket: blend(_row(trusted, bucket, order), _row(other, bucket, order))
        for bucket in {*trusted.buckets, *other.buckets}
    }
    return Chances(order, blend(_row(trusted, "", order), _row(other, "", order)), buckets)


def _row(chances: Chances, bucket: str, order: Sequence[Arm]) -> list[float]:
    row = chances.buckets.get(bucket, chances.otherwise)
    known = {named(arm): chance for arm, chance in zip(chances.arms, row, strict=True)}
    return [known.get(named(arm), 0.0) for arm in order]
