"""Everything that answers HTTP.

ingress          the front door: verify, make an event, publish
dialogs          opens and checks declared forms within Slack's 3 s
workspace_tokens the tokens with which it opens them
console/         pages over the journal: what it did, why, and at what cost
oauth/           the pages that a browser signs in at
api_requests     the token of an API request, and the event of a POST
runs_endpoint    GET /runs/{run}, a function of its own
run_view         a run as JSON
responses        JSON responses
"""
