"""The part of GitHub's GraphQL API that a reviewer uses: what REST does not have.

schema.graphql  its types, a subset of GitHub's
execution       answers a request
queries         the fields of repositories, pull requests, reviews and threads
mutations       what can be changed
connections     lists in pages
refusals        what GitHub refuses
"""
