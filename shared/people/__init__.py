"""People: who is one person on both sides, proved by themselves and never guessed.

store      which GitHub account a Slack person has, in Postgres
desk       the commands `link` and `unlink`
addresses  where the GitHub of the settings is
"""
