"""Files in the sandbox Slack: uploads in three steps, what they are, private downloads.

store     the files, and the Web API's methods about them
serving   uploads and downloads over HTTP, with the token that Slack wants
"""
