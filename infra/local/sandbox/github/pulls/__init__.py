"""Pull requests of the sandbox.

requests     opened, edited, and followed by each push
views        as GitHub's JSON
endpoints    the REST endpoints
people       what people do in the sandbox
"""
