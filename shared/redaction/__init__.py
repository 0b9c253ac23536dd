"""Takes secrets out of texts: `[secret removed: github token]` stands in their place.

redacting   the functions that all borders call: texts, JSON, dataclasses
formats     secrets that their own format tells
assigned    secrets beside a word such as `password`
shapes      secrets that the text around them shows, such as private keys
unwrapped   a text without what breaks secrets up
"""
