"""`python -m infra.bundle Chat --into DIR`: what the Makefile calls for each function."""

import argparse
import sys
import time
from pathlib import Path

from infra.bundle.build import TemplateText, build
from infra.bundle.settings import read_deployment
from infra.bundle.target import BuildTarget
from infra.project import ROOT
from shared.errors import SettingsError


def main() -> int:
    """Build one bundle; print its size, or why it failed."""
    template = TemplateText(ROOT)
    parser = argparse.ArgumentParser(prog="python -m infra.bundle", description=__doc__)
    parser.add_argument("function", help="its name in the template")
    parser.add_argument("--into", type=Path, required=True, help="an empty or missing folder")
    parser.add_argument("--runtime", default=template.default("Runtime"))
    parser.add_argument("--architecture", default=template.default("Architecture"))
    parser.add_argument(
        "--settings", type=Path, help="the deployment's, as ./scripts/deploy writes"
    )
    asked = parser.parse_args()
    target = BuildTarget(asked.runtime, asked.architecture)
    began = time.monotonic()
    try:
        settings = read_deployment(asked.settings)
        build(asked.function, asked.into, target, settings=settings)
    except SettingsError as err:
        print(f"{asked.function}: {err}", file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in asked.into.rglob("*") if file.is_file())
    print(
        f"{asked.function}: {size / 1e6:.1f} MB for {asked.runtime} on {asked.architecture}"
        f" in {time.monotonic() - began:.1f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
