"""The pages that a browser signs in at: Slack's installation, and the proof of a GitHub account.

function    the Lambda entry point and its routes
installing  slack-bolt's OAuth flow over our stores
linking     proves that a GitHub account is a Slack person's
github      GitHub's side of that: addresses, the code, the account
pages       what the browser shows
"""
