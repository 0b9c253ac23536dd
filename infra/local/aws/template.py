"""template.yaml as plain CloudFormation: the SAM transform in process, without AWS or network."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from infra.cloudformation import parse
from infra.local.aws.errors import TemplateError
from shared.events import Json

#: Replaces code locations for the transform, which takes only addresses in S3.
_UPLOADED = "s3://local/code"


class Template(NamedTuple):
    """A CloudFormation template. `code` maps the logical ids of functions to their code."""

    path: Path
    body: Json
    code: Mapping[str, Path]

    @property
    def resources(self) -> dict[str, Json]:
        resources: dict[str, Json] = self.body["Resources"]
        return resources


def load(path: Path, parameters: Mapping[str, str], region: str) -> Template:
    """Read the template at `path` and transform it when it is a SAM template.

    Raises TemplateError when there is no such file, or when SAM finds it invalid.
    """
    body = read(path)
    code: dict[str, Path] = {}
    if "AWS::Serverless-2016-10-31" in _list(body.get("Transform")):
        code = _take_code_locations(path.parent, body)
        _take_definitions(path.parent, body)
        body = transform(path, body, parameters, region)
    return Template(path, body, code)


def read(path: Path) -> Json:
    """Parse a CloudFormation template with its short forms (!Ref, !Sub, …) made long."""
    try:
        return parsed(path.read_text("utf-8"), path)
    except OSError as err:
        raise TemplateError(f"{path}: {err.strerror}; name a template with --template") from err
    except UnicodeDecodeError as err:
        raise TemplateError(f"{path} is no text; name a template with --template") from err


def parsed(text: str, path: Path) -> Json:
    """Parse the text of the template at `path`."""
    try:
        body = parse(text)
    except yaml.YAMLError as err:
        mark, problem = getattr(err, "problem_mark", None), getattr(err, "problem", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise TemplateError(f"{path}{line}: no YAML: {problem or type(err).__name__}") from err
    if not isinstance(body, dict) or not isinstance(body.get("Resources"), dict):
        raise TemplateError(f"{path} has no Resources; expected a CloudFormation template")
    return body


def _take_code_locations(root: Path, body: Json) -> dict[str, Path]:
    shared = body.get("Globals", {}).get("Function", {}).pop("CodeUri", ".")
    code = {}
    for name, resource in body["Resources"].items():
        if resource.get("Type") == "AWS::Serverless::Function":
            properties = resource.setdefault("Properties", {})
            location = properties.get("CodeUri", shared)
            if not isinstance(location, str):
                raise TemplateError(f"{name}: CodeUri is no directory; expected one, such as '.'")
            code[name] = (root / location).resolve()
            properties["CodeUri"] = _UPLOADED
    return code


def _take_definitions(root: Path, body: Json) -> None:
    """Write the state machines into the template, as `sam deploy` uploads them."""
    for name, resource in body["Resources"].items():
        properties = resource.get("Properties", {})
        location = properties.get("DefinitionUri")
        if resource.get("Type") == "AWS::Serverless::StateMachine" and location is not None:
            try:
                properties["Definition"] = json.loads((root / location).read_text("utf-8"))
            except (OSError, TypeError, ValueError) as err:
                raise TemplateError(f"{name}: {location} is no JSON file here") from err
            del properties["DefinitionUri"]


def transform(path: Path, body: Json, parameters: Mapping[str, str], region: str) -> Json:
    """Run SAM's translator with a session that knows the region: its own would ask the machine.

    Raises TemplateError.
    """
    from boto3 import Session
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.utils.py27hash_fix import (
        to_py27_compatible_template,
        undo_mark_unicode_str_in_template,
    )

    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of its own insides
    values = dict(parameters)
    to_py27_compatible_template(body, values)
    translator = Translator(None, Parser(), boto_session=Session(region_name=region))
    try:
        translated = translator.translate(body, values, get_managed_policy_map=dict)
    except InvalidDocumentException as err:
        causes = "; ".join(cause.message for cause in err.causes)
        raise TemplateError(f"{path}: {causes}") from err
    transformed: Json = undo_mark_unicode_str_in_template(translated)
    return transformed


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
