"""Which models a deployment can use: asked of Bedrock, and tried with one tiny call each.

catalog    what Bedrock offers this account in its region
resolving  a name to one that works there, or the reason why there is none
naming     the models in the settings; proposes some when none are set
trial      calls each once

The step of ./scripts/deploy that uses them is infra/deploy/steps/models.py.
"""
