"""The pages of the console: of each a module, its queries and its template.

runs            the newest runs, live, with filters
run             a run as a timeline, its effects, its event and the conversation around it
timeline        steps and effects in the order in which they began, those at once together
why             why it did something, or did not
costs           what models cost, budgets, what caches saved
plots           where the columns of a plot stand
dead_letters    what was given up, and starting it again
plans           plans as graphs, and answers to their questions
reviews         findings with their life
memory          what is known, and forgetting
learning        what choices earned, and their policies
settings        what is set, and from where
"""

from shared.web.console.pages.costs import costs
from shared.web.console.pages.dead_letters import dead_letters, redrive
from shared.web.console.pages.learning import learning
from shared.web.console.pages.memory import forget, memory
from shared.web.console.pages.plans import cancel, decide, plan, plans
from shared.web.console.pages.reviews import reviews
from shared.web.console.pages.run import run
from shared.web.console.pages.runs import runs
from shared.web.console.pages.settings import settings
from shared.web.console.pages.why import why
from shared.web.console.routing import Route, acts, shows

_RUN = "[0-9a-f]{20}"
#: Where each page stands, and the least role that may see or do it.
PAGES: tuple[Route, ...] = (
    shows("", runs),
    shows("runs", runs),
    shows(f"runs/(?P<run>{_RUN})", run),
    shows("why", why),
    shows("costs", costs, "operator"),
    shows("dead-letters", dead_letters),
    acts("dead-letters/redrive", redrive),
    shows("plans", plans),
    shows(f"plans/(?P<plan>{_RUN})", plan),
    acts(f"plans/(?P<plan>{_RUN})/cancel", cancel),
    acts(f"plans/(?P<plan>{_RUN})/(?P<step>[a-z][a-z0-9_-]{{0,23}})", decide),
    shows("reviews", reviews),
    shows("memory", memory),
    acts("memory/forget", forget),
    shows("learning", learning, "operator"),
    shows("settings", settings, "operator"),
)
