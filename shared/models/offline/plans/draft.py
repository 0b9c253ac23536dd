"""The steps of a plan while they are made, and the deed that is planned next."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.events import Json
from shared.frozen import frozen
from shared.models.offline.plans.goal_parts import GoalPart
from shared.models.offline.plans.named_things import number, path, targets
from shared.models.offline.plans.search_words import names_issues, search_words


@frozen
class PlannedTool:
    """A tool as the prompt describes it: its parameters with their kinds. One that is `absent` is
    planned with only so that the person is told why."""

    name: str
    required: Mapping[str, str]
    optional: Mapping[str, str]
    writes: bool
    absent: bool = False


@dataclass
class PlanDraft:
    """The steps so far. Writes are done one after the other, in the order of the goal."""

    tools: Mapping[str, PlannedTool]
    steps: list[Json] = field(default_factory=list)

    def add(self, tool: str, goal: str, arguments: Json) -> Json:
        """Add a step, unless the same is there already, and return it."""
        for step in self.steps:
            if (step["tool"], step["arguments"]) == (tool, arguments):
                return step
        last = next((step["id"] for step in reversed(self.steps) if self._writes(step)), "")
        after = [last] if last and self.tools[tool].writes else []
        step = {"id": f"s{len(self.steps) + 1}", "goal": goal, "tool": tool}
        self.steps.append({**step, "arguments": arguments, "depends_on": after})
        return self.steps[-1]

    def newest_readings(self) -> list[Json]:
        """Return the newest steps that found something: all since the last text or write."""
        found: list[Json] = []
        for step in reversed(self.steps):
            if not self._writes(step) and step["tool"] != "write_text":
                found.insert(0, step)
            elif found:
                break
        return found

    def opened(self) -> Json | None:
        """Return the step that opens an issue, if it is the last that writes."""
        last = next((step for step in reversed(self.steps) if self._writes(step)), None)
        return last if last and last["tool"] == "open_issue" else None

    def _writes(self, step: Json) -> bool:
        return self.tools[step["tool"]].writes


@frozen
class PlannedDeed:
    """A part of the goal, and the tool that it asks for."""

    draft: PlanDraft
    tool: PlannedTool
    part: GoalPart

    @property
    def text(self) -> str:
        return self.part.text

    def do(self, **arguments: Any) -> str:
        """Add the step of the deed, one for each issue that it names."""
        several = targets(self.text) if "number" in self.tool.optional else []
        for at in [{"number": here} for here in several] or [{}]:
            self.draft.add(self.tool.name, self.text, {**arguments, **at})
        return ""

    def has(self, tool: str) -> bool:
        return tool in self.draft.tools and not self.draft.tools[tool].absent

    def written(self, task: str, goal: str) -> Json:
        """Refer to a text that a step writes of what was found, or of what this is about."""
        found = [{"$from": source["id"], "path": ""} for source in self.sources()]
        material = {"material": found[0] if len(found) == 1 else found} if found else {}
        step = self.draft.add("write_text", goal, {"task": task, **material})
        return {"$from": step["id"], "path": "text"}

    def sources(self) -> list[Json]:
        """Return the steps that read what a text is about: what the part names, what was found
        last, or the issue or thread of the plan."""
        named = self._named_source()
        found = [named] if named else self.draft.newest_readings()
        if found:
            return found
        before = [step["arguments"].get("number") for step in self.draft.steps]
        if self.has("read_issue") and (here := next(filter(None, reversed(before)), None)):
            return [self.draft.add("read_issue", f"Read #{here}", {"number": here})]
        if self.has("read_thread"):
            return [self.draft.add("read_thread", "Read this thread", {})]
        if self.has("read_issue") and "number" in self.draft.tools["read_issue"].optional:
            return [self.draft.add("read_issue", "Read this issue", {})]
        return []

    def _named_source(self) -> Json | None:
        here, file = number(self.text), path(self.text)
        if here is not None and self.has("read_issue"):
            return self.draft.add("read_issue", f"Read #{here}", {"number": here})
        if file and self.has("read_file"):
            return self.draft.add("read_file", f"Read {file}", {"path": file})
        if names_issues(self.text) and self.has("search_issues"):
            words = search_words(self.text)
            return self.draft.add("search_issues", f"Search {words}", {"words": words})
        return None

    @property
    def means_new(self) -> bool:
        """Is it about the issue that the plan has opened just before?"""
        names = re.search(r"\b(?:it|them|that one|the new \w+)\b", self.text, re.I)
        return names is not None and number(self.text) is None and self.draft.opened() is not None
