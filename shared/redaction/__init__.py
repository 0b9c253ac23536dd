"""Takes secrets out of texts: `[secret removed: github token]` stands in their place.

redacting   the functions that all borders call: texts, JSON, dataclasses
formats     secrets that their own format tells
assigned    secrets beside a word such as `password`
shapes      secrets that the text around them shows, such as private keys
lazy_pattern  patterns that cold starts do not compile
unwrapped   a text without what breaks secrets up
"""
