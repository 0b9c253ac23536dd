"""The flow in the README runs."""

import re

from infra.project import ROOT
from shared.actions.slack.actions import Reply
from shared.agent.flow import Flow
from shared.testing import FlowRunner
from tests.flows.test_chat import said

README = ROOT / "README.md"


def test_the_flow_in_the_readme_runs(runner: FlowRunner) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    [flow] = [value for value in names.values() if isinstance(value, Flow)]
    assert runner.deliver(flow, said("How do we deploy?")) == []
    assert [type(action) for action in runner.platform.done] == [Reply]
