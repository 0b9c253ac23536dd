"""The steps of a deployment, a module for each; infra/deploy/wizard.py has them in order.

step       what a step is, and what all of them share: the sitting
checks     credentials, region, clock, quotas, settings, the database
models     names models that work, and tries each
room       how much of Lambda's concurrency the ingress may keep for itself
network    the way to the database: its address, subnets and endpoints, its connections
aurora     makes the database, where DATABASE=aurora asks for one
keep       the secrets into Secrets Manager
migrate    brings the database to the current schema, before code that needs it
functions  SAM builds and deploys the stack
looks      wakes what looks after waiting work
rotation   sets when the passwords of the database change
ingredients  what a stack is made of, and whether it is there
github     registers the GitHub App, installs it, proves that it delivers
proof      lets each platform deliver something

and what can be asked for in place of them:

diff       what a deployment would change
rollback   the versions of the deployment before
removal    deletes the deployment
only       updates some flows, and nothing else
"""
