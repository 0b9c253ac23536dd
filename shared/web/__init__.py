"""Everything that answers HTTP.

ingress          the front door: verify, make an event, publish
api_requests     the token of an API request, and the event of a POST
runs_endpoint    GET /runs/{run}, a function of its own
run_view         a run as JSON
responses        JSON responses
"""
