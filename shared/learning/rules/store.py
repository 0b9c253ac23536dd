"""Keeps the rules of a tenant, who said so, and which runs heeded them."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from shared.canonical import digest
from shared.database import Row, Statement, queries
from shared.journal import Run
from shared.redaction.redacting import redacted

SQL = queries(__file__, "store.sql")

Purpose = Literal["review", "tone"]
Scope = Literal["lines", "file", "repository", "organisation", "person"]
State = Literal["candidate", "active", "disabled"]
#: Characters of a rule, and the newest runs that heeded it by which it is judged.
LONGEST, USES = 400, 200


class LearntRule(NamedTuple):
    """What people want, in their words. A `candidate` is heeded once somebody accepted it, or as
    many said so as `rules_in_force` wants; its `words` are one person's, so a model is shown them
    only once it is accepted. `supporters` are how many different people said so, and `wordings` how
    they put it, the first first."""

    id: str
    purpose: Purpose
    scope: Scope
    place: str
    words: str
    path: str = ""
    shape: str = ""
    person: str = ""
    category: str = ""
    about: str = ""
    state: State = "candidate"
    decided_by: str = ""
    supporters: int = 0
    outcome: float = 0.0
    uses: int = 0
    in_force: bool = False
    wordings: tuple[str, ...] = ()

    @classmethod
    def of_row(cls, row: Row) -> "LearntRule":
        known = {name: row[name] for name in cls._fields if name in row}
        return cls(**known | {"wordings": tuple(known.get("wordings", ()))})


def new_rule(
    purpose: Purpose,
    scope: Scope,
    place: str,
    words: str,
    *,
    path: str = "",
    shape: str = "",
    person: str = "",
    category: str = "",
    about: str = "",
) -> LearntRule:
    """Return a candidate; the same words about the same have the same id."""
    words = redacted(" ".join(words.split()))[:LONGEST]
    id_ = f"r-{digest([purpose, place, words, about, person])[:10]}"
    return LearntRule(id_, purpose, scope, place, words, path, shape, person, category, about)


class RuleStore:
    """The rules of a run's tenant."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def read(self, name: str, **values: object) -> list[LearntRule]:
        """Return what the named query finds, inside a step of its caller's."""
        [rows] = self._run.write([self.statement(name, **values)])
        return [LearntRule.of_row(row) for row in rows]

    def proposed(
        self, rule: LearntRule, key: str, actor: str, words: str, at: float, *, path: str = ""
    ) -> list[Statement]:
        """Return the statements that keep a rule, and that somebody said so, once for each `key`;
        `path` is the file of which they did."""
        evidence = {"key": key, "actor": actor, "said": redacted(words)[:LONGEST], "at": at}
        evidence |= {"of_path": path}
        return [
            self.statement("propose", actor=actor, **rule._asdict()),
            self.statement("support", rule=rule.id, **evidence),
        ]

    def heeded(self, rules: Sequence[LearntRule]) -> list[Statement]:
        """Return the statement that keeps that the run heeds these rules."""
        names = [one.id for one in rules]
        return [self.statement("heed", rules=names, most=USES)] if rules else []

    def statement(self, name: str, **values: object) -> Statement:
        return self._run.statement(name, values, SQL)
