"""The steps of a deployment, a module for each; infra/deploy/wizard.py has them in order.

step       what a step is, and what all of them share: the sitting
checks     credentials, region, clock, quotas, settings, the database
keep       the secrets into Secrets Manager
functions  SAM builds and deploys the stack
migrate    brings the database to the current schema
looks      wakes what looks after waiting work

and what can be asked for in place of them:

diff       what a deployment would change
rollback   the versions of the deployment before
removal    deletes the deployment
only       updates some flows, and nothing else
"""
