"""The project's template for tests of the whole system: with the flows that the project ships, so
that they count the runs of no other, and with time-outs of seconds."""

import re
from pathlib import Path

from infra.project import ROOT

#: The functions of the flows that the project ships. Whoever adds a flow of their own adds none.
SHIPPED = frozenset(
    {
        *("Batches", "Chat", "Control", "Errands", "Explain", "Ingest", "Learn", "Memory", "Plan"),
        "Press",
        *("Retention", "Review", "Sweep", "Triage", "Uninstall", "Upkeep"),
    }
)
_FLOW = re.compile(r"^  (\w+):\n(?:    .*\n)*? +FLOW: flows(?:\.\w+)+:\w+$", re.MULTILINE)


def shipped_template(folder: Path) -> Path:
    """Write template.yaml to `folder`, without the flows that others added."""
    text = (ROOT / "template.yaml").read_text("utf-8")
    for title in _FLOW.findall(text):
        if title not in SHIPPED:
            block = rf"^  {title}(?:|Flow|Schedule):\n(?:(?:    .*)?\n)*"
            text = re.sub(block, "", text, flags=re.MULTILINE)
    text = text.replace("CodeUri: .", f"CodeUri: {ROOT}")
    text = re.sub(r"((?:TemplateURL|DefinitionUri):) (infra/\S+)", rf"\1 {ROOT}/\2", text)
    copy = folder / "template.yaml"
    copy.write_text(text, "utf-8")
    return copy


def quick_template(folder: Path, *, timeout: int) -> Path:
    """Write it with `timeout` seconds for every function."""
    copy = shipped_template(folder)
    text = copy.read_text("utf-8")
    text, functions = re.subn(r"^( +Timeout:) \d+$", rf"\1 {timeout}", text, flags=re.MULTILINE)
    assert functions > 3
    copy.write_text(text, "utf-8")
    return copy
