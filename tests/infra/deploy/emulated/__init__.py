"""An AWS account to which SAM deploys, and that runs what is deployed (emulated, on moto).

cloudformation  stacks, transformed and nested
resources       what they are made of, through moto's own APIs
lambdas         runs the deployed bundles
checkout        the account whole, and a checkout that deploys to it
"""
