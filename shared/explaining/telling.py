"""Writes an explanation as lines of Markdown, for chat and for a terminal."""

from collections.abc import Iterator, Sequence

from shared.explaining.explanation import Reasons

NOTHING = "I know nothing about that which may be shown here."
#: Texts and memories of a run that are named.
_MOST = 6


def told(found: Sequence[Reasons]) -> str:
    """Return the explanations of runs, the newest first."""
    return "\n\n".join("\n".join(_lines(one)) for one in found) or NOTHING


def _lines(one: Reasons) -> Iterator[str]:
    row = one.row
    yield f"Run `{row['id']}` ({row['flow']}, {row['state']}):"
    if one.not_acted:
        yield f"- it did nothing: {one.not_acted}"
    yield f"- {one.caused_by or 'nobody'} ({one.role or 'no role'}) caused it by `{row['type']}`"
    for deed in one.deeds:
        where = f" {deed.url}" if deed.url else ""
        yield f"- {deed.tool} at {deed.target}: {deed.state}{where}"
    yield from (f"- permission: {right}" for right in one.rights[:_MOST])
    if not one.rights:
        yield f"- permission: what `may=` of {row['flow']} names, where its event came from"
    for text in one.texts[:_MOST]:
        yield f"- a model saw {text.source} by {text.author or 'nobody'} ({text.trust})"
    for memory in one.memories[:_MOST]:
        by = memory.author or "nobody in particular"
        yield f"- memory `{memory.id}`, {memory.kind} by {by} ({memory.trust}): {memory.why}"
    left = max(len(one.texts) - _MOST, 0) + max(len(one.memories) - _MOST, 0)
    if left:
        yield f"- {left} more are on the console"
    cost = "unknown" if row["unpriced"] else f"${row['cost']:.4f}"
    yield f"- cost: {cost}{' with ' + ', '.join(row['models']) if row['models'] else ''}"
