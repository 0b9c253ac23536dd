"""Prints what the Open Bandit Pipeline estimates of logged rounds: a program for a Python of its
own, which has `obp`, numpy and scikit-learn. PyTorch is not needed for these three."""

import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any


def load_estimators() -> Any:
    """Import obp's estimators without the rest of the package, which wants PyTorch."""
    spec = importlib.util.find_spec("obp")
    assert spec and spec.origin, "obp is not installed"
    root, torch = Path(spec.origin).parent, types.ModuleType("torch")
    torch.__dict__["Tensor"] = object
    sys.modules.setdefault("torch", torch)
    for name, path in (("obp", root), ("obp.ope", root / "ope")):
        package = sys.modules[name] = types.ModuleType(name)
        package.__path__ = [str(path)]
    return importlib.import_module("obp.ope.estimators")


def main() -> None:
    obp, given = load_estimators(), json.load(sys.stdin)
    numpy = importlib.import_module("numpy")
    rounds = {
        "reward": numpy.array(given["reward"]),
        "action": numpy.array(given["action"]),
        "pscore": numpy.array(given["pscore"]),
        "action_dist": numpy.array(given["target"])[:, :, None],
        "position": numpy.zeros(len(given["reward"]), dtype=int),
    }
    predicted = numpy.array(given["predicted"])[:, :, None]
    found = {
        "ips": obp.InverseProbabilityWeighting().estimate_policy_value(**rounds),
        "snips": obp.SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**rounds),
        "dr": obp.DoublyRobust().estimate_policy_value(
            **rounds, estimated_rewards_by_reg_model=predicted
        ),
    }
    print(json.dumps({name: float(value) for name, value in found.items()}))


if __name__ == "__main__":
    main()
