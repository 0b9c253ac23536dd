"""Makes github_graphql.json.gz: the types of GitHub's schema that the sandbox has some of.

    npm pack @octokit/graphql-schema@15.26.1 && tar xzf octokit-graphql-schema-15.26.1.tgz
    python tests/data/reduce_github_graphql.py package/schema.graphql

By type: its fields with their types and arguments, or its values; prose is left out.
"""

import gzip
import json
import sys
from pathlib import Path

from graphql import GraphQLSchema, build_schema

from infra.local.sandbox.github.graphql.execution import schema
from tests.infra.local.sandbox.github.graphql.described import members

HERE = Path(__file__).parent


def reduce(source: GraphQLSchema) -> dict[str, dict[str, str]]:
    """Return the members of each type that both schemas have."""
    ours = [name for name in schema().type_map if not name.startswith("__")]
    return {name: members(source.type_map[name]) for name in ours}


if __name__ == "__main__":
    reduced = reduce(build_schema(Path(sys.argv[1]).read_text("utf-8"), assume_valid_sdl=True))
    text = json.dumps(reduced, separators=(",", ":"), sort_keys=True).encode()
    (HERE / "github_graphql.json.gz").write_bytes(gzip.compress(text, mtime=0))
