"""A small GitHub on loopback: PyGithub takes it for the real one, and it sends signed webhooks.

sandbox       the server, and a method for each thing that people do
issues        the part of it about issues and comments
git/          commits, what they differ by, and branches
pulls/        pull requests
reviews/      their reviews, with comments on lines
checks/       check runs and statuses of commits
graphql/      the part of the GraphQL API that a reviewer uses
relocations   what is renamed, transferred, archived, made private or deleted
web           HTTP: find the caller, the endpoint, the page and the fault
endpoints     the table of REST endpoints; `endpoints` in the rooms and the `*_endpoints` modules
              hold them by subject
call          one call of the API, and the parts of the sandbox that it may use
registration  Apps that people register from a manifest, and install
pages         what they click through for it
tokens        whose token or JWT a request bears
state         the rows: accounts, repositories, issues, comments, reviews, tokens, deliveries
changes       what people and the bot do to issues and comments
views         rows as GitHub's JSON; also `accounts` and `views` in the rooms
uploads       pictures in issues and comments, at signed addresses
hooks         sends signed webhooks and keeps their deliveries
faults        failures that a test orders
errors        GitHub's refusals
"""

from infra.local.sandbox.github.sandbox import COLLABORATORS, REPOSITORY, GitHubSandbox

__all__ = ["COLLABORATORS", "REPOSITORY", "GitHubSandbox"]
