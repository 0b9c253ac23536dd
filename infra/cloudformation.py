"""Reads CloudFormation's templates as they are written."""

import pickle
from functools import lru_cache
from typing import Any

import yaml

from shared.events import Json

#: libyaml takes a tenth of the time; a PyYAML that was built without it reads the same.
_Loader: Any = type("_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})


def parse(text: str) -> Any:
    """Parse the text of a template, its short forms (!Ref, !Sub, …) made long; raises YAMLError.

    Each call returns a copy of its own: all flows nest one template, which is parsed once.
    """
    return pickle.loads(_pickled(text))


@lru_cache(maxsize=16)
def _pickled(text: str) -> bytes:
    return pickle.dumps(yaml.load(text, _Loader))


def _short_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Json:
    if isinstance(node, yaml.SequenceNode):
        value: Any = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        assert isinstance(node, yaml.ScalarNode)
        value = loader.construct_scalar(node)
        if tag == "GetAtt":
            value = value.split(".", 1)
    return {tag if tag in {"Ref", "Condition"} else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _short_form)
