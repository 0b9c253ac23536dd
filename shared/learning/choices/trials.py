"""Trials of policies: makes a candidate, lets it choose in a share of the runs, updates it, and
promotes, holds or rolls back.

    made → explored (on trial, in a share of the runs) → promoted → updated … → rolled back

Whatever is updated is a new version, so each batch can be rolled back.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from shared.canonical import digest
from shared.choosing import Chances
from shared.errors import SettingsError
from shared.events import Json
from shared.learning.choices.bounds import mixed
from shared.learning.choices.examples import Example
from shared.learning.choices.learners import learnt
from shared.learning.choices.tuning import Tuning
from shared.learning.choices.versions import LogEntry, PolicyState, PolicyStore, PolicyVersion
from shared.learning.evaluation.estimators import RewardBounds, Target, under
from shared.learning.evaluation.promotion import Evaluation, evaluate

#: Lines of the log that are read, and what they say of a place that is gone.
_LOG, WITHDRAWN = 100_000, "a place was withdrawn"


class Ruling(NamedTuple):
    """Whether a candidate took over, and what was estimated."""

    promoted: bool
    evaluation: Evaluation


class Trials:
    """What can be done with the policy of one choice. `examples` are its choices whose time for
    feedback is over, the oldest first."""

    def __init__(
        self,
        store: PolicyStore,
        bounds: RewardBounds,
        examples: Sequence[Example],
        most: float = 1.0,
    ) -> None:
        """`most` is the share of the runs that may explore, whatever a policy was made with."""
        self._store = store
        self._bounds = bounds
        self._most = most
        withdrawn = _withdrawn(store)
        self._examples = [
            one
            for one in examples
            if all(one.at > withdrawn.get(place, 0) for place in _places(one.repository))
        ]

    def make(self, kind: str, tuning: Tuning) -> int:
        """Make a candidate from what is known, and return its number. The first time, the default
        arm becomes what is in force. It chooses nothing before it may explore."""
        tuning.check()
        if (state := self._store.state()) is None:
            first = tuning._replace(arms=tuning.arms[:1])
            number = self._add("fixed", first)
            state = PolicyState(number, None, number)
            self._store.set(state, None, LogEntry("made", None, number, "the default arm"))
        number = self._add(kind, tuning)
        made = state._replace(candidate=number, in_use=state.in_force)
        self._store.set(made, state, LogEntry("made", state.in_force, state.in_force, kind))
        return number

    def explore(self, share: float) -> int:
        """Let the candidate choose in a share of the runs, from now on."""
        state, versions = self._known()
        candidate = self._candidate(state, versions)
        number = self._on_trial(versions[state.in_force], candidate, share)
        entry = LogEntry("explored", state.in_force, state.in_force, f"share {share:g}")
        self._store.set(state._replace(in_use=number), state, entry)
        return number

    def update(self) -> list[int]:
        """Learn from what came since: what is in force, if it learns, and what is on trial. Return
        the numbers of the new versions."""
        state, versions = self._known()
        in_force, number = versions[state.in_force], state.in_force
        made: list[int] = []
        if in_force.kind != "fixed":
            number = self._add(in_force.kind, in_force.how)
            made.append(number)
        new = PolicyState(number, state.candidate, number)
        trial = versions[state.in_use] if state.in_use != state.in_force else None
        if state.candidate is not None and trial:
            candidate = versions[state.candidate]
            again = self._add(candidate.kind, candidate.how)
            now = self._store.versions()
            use = self._on_trial(now[number], now[again], trial.tuning["share"])
            new = PolicyState(number, again, use)
            made += [again, use]
        if made:
            entry = LogEntry("updated", state.in_force, new.in_force)
            self._store.set(new, state, entry)
        return made

    def evaluate(self) -> Evaluation:
        """Estimate the candidate from its trial beside what is in force; raises SettingsError
        without a candidate."""
        return self._evaluated(*self._known())

    def _evaluated(self, state: PolicyState, versions: dict[int, PolicyVersion]) -> Evaluation:
        kind = self._candidate(state, versions)
        of = {number: versions[number].tuning for number in versions if _is_trial(versions[number])}
        on_trial = {
            number: versions[tuning["candidate"]].chances
            for number, tuning in of.items()
            if _is_kin(versions[tuning["candidate"]], kind)
        }
        candidate, in_force = _as_it_was(on_trial), under(versions[state.in_force].chances)
        tried = (one for one in self._examples if one.version in on_trial)
        examples = [one for one in tried if _tells(one, candidate) and _tells(one, in_force)]
        return evaluate(examples, candidate, in_force, self._bounds)

    def promote(self) -> Ruling:
        """Let the candidate take over if its evaluation allows it; else hold it, with the reason in
        the log. On trial it stays on trial."""
        state, versions = self._known()
        found = self._evaluated(state, versions)
        before, after = state.in_force, state.candidate
        if found.why_not or after is None:
            entry = LogEntry("held", before, before, found.why_not, found.to_json())
            self._store.note(entry)
            return Ruling(False, found)
        entry = LogEntry("promoted", before, after, str(found.gain), found.to_json())
        self._store.set(PolicyState(after, None, after), state, entry)
        return Ruling(True, found)

    def hold(self) -> None:
        """End the trial: from now on runs choose by what is in force."""
        state, _ = self._known()
        entry = LogEntry("held", state.in_force, state.in_force, "the trial was ended")
        self._store.set(PolicyState(state.in_force, None, state.in_force), state, entry)

    def roll_back(self, to: int | None = None) -> int:
        """Let the version that was in force before take over again, or that of a number; return
        its number. A trial ends."""
        state, versions = self._known()
        number = self._before(state) if to is None else to
        # A candidate that was never in force is to be promoted.
        if number not in versions or number not in self._trusted(state):
            raise SettingsError(f"there is no version {number} to roll back to")
        entry = LogEntry("rolled back", state.in_force, number)
        self._store.set(PolicyState(number, None, number), state, entry)
        return number

    def withdraw(self, repository: str) -> int:
        """Learn again without what was learnt in a repository, end a trial, and delete the other
        versions; return the number of the one in force."""
        state, versions = self._known()
        place = place_of(repository)
        self._examples = [one for one in self._examples if place not in _places(one.repository)]
        return self._learn_again(state, versions, WITHDRAWN, {"withdrawn": place})

    def learn_again(self) -> int:
        """Learn anew from what is there, end a trial, and delete the other versions; return the
        number of the one in force."""
        return self._learn_again(*self._known(), "learnt again without what is gone")

    def reset(self) -> int:
        """Choose the default arm from now on, and delete the other versions; return the number of
        the one in force."""
        state, versions = self._known()
        first = versions[state.in_force].how
        number = self._add("fixed", first._replace(arms=first.arms[:1]))
        entry = LogEntry("withdrawn", state.in_force, number, "the default arm")
        self._store.set(PolicyState(number, None, number), state, entry)
        self._store.forget_others()
        return number

    def _learn_again(
        self,
        state: PolicyState,
        versions: dict[int, PolicyVersion],
        why: str,
        what: Json | None = None,
    ) -> int:
        again = self._add(versions[state.in_force].kind, versions[state.in_force].how)
        entry = LogEntry("withdrawn", state.in_force, again, why, what)
        self._store.set(PolicyState(again, None, again), state, entry)
        self._store.forget_others()
        return again

    def _trusted(self, state: PolicyState) -> set[int]:
        """Return the versions that were in force at some time."""
        noted = self._store.log(_LOG)
        found = {row[at] for row in noted for at in ("before", "after")} - {None}
        return {state.in_force, *found}

    def _before(self, state: PolicyState) -> int:
        for row in self._store.log(_LOG):
            is_other = row["before"] not in (None, state.in_force)
            if row["after"] == state.in_force and is_other and row["action"] != "rolled back":
                return int(row["before"])
        raise SettingsError("no other version was in force before")

    def _known(self) -> tuple[PolicyState, dict[int, PolicyVersion]]:
        if not (state := self._store.state()):
            raise SettingsError("this choice has no policy yet; make one")
        return state, self._store.versions()

    def _candidate(self, state: PolicyState, versions: dict[int, PolicyVersion]) -> PolicyVersion:
        if state.candidate is None:
            raise SettingsError("there is no candidate; make one")
        return versions[state.candidate]

    def _add(self, kind: str, tuning: Tuning) -> int:
        bounded = tuning._replace(share=min(tuning.share, self._most))
        chances = learnt(kind, self._examples, bounded)
        return self._store.add(kind, tuning.to_json(), chances, len(self._examples))

    def _on_trial(self, in_force: PolicyVersion, candidate: PolicyVersion, share: float) -> int:
        """Keep a version that is what is in force, but for a share in which the candidate chooses,
        as curious as it likes."""
        curious = candidate.how._replace(share=1.0)
        if candidate.kind == "fixed":
            curious = candidate.how
        free, share = learnt(candidate.kind, self._examples, curious), min(share, self._most)
        chances = mixed(in_force.chances, mixed(candidate.chances, free, 0.5), share)
        tuning = {"candidate": candidate.number, "share": share}
        return self._store.add("trial", tuning, chances, len(self._examples))


def place_of(name: str) -> str:
    """Return by what a place is known once its name should be gone."""
    return digest(["place", name.lower()])


@cache
def _places(name: str) -> frozenset[str]:
    """Return the same of a place and of all that it lies in: `github:acme/shop` in `github:acme`,
    `slack:T1:C1` in `slack:T1`."""
    ends = [found.start() for found in re.finditer("[:/]", name)][1:]
    return frozenset(place_of(name[:end]) for end in (*ends, len(name)))


def _withdrawn(store: PolicyStore) -> dict[str, float]:
    """Return when each place was withdrawn last, in seconds since the epoch: what was chosen there
    before is not learnt again."""
    rows = [row for row in reversed(store.log(_LOG)) if row["action"] == "withdrawn"]
    return {(row["evaluation"] or {}).get("withdrawn", ""): row["at"].timestamp() for row in rows}


def _is_trial(version: PolicyVersion) -> bool:
    return version.kind == "trial"


def _is_kin(one: PolicyVersion, other: PolicyVersion) -> bool:
    """Is one an earlier version of the other, which learns in the same way?"""
    return one.kind == other.kind and one.tuning == other.tuning


def _as_it_was(on_trial: dict[int, Chances]) -> Target:
    """Return the candidate as it was at each example."""
    return lambda one: one.under(on_trial[one.version])


def _tells(example: Example, target: Target) -> bool:
    """Could it have been chosen all that the target would choose?"""
    pairs = zip(target(example), example.chances, strict=True)
    return all(chance > 0 for want, chance in pairs if want > 0)
