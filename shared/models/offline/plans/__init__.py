"""Plans of the offline model: it reads a goal by its words and makes the same plan each time.

plan_steps    makes the steps, a deed for each part of the goal
goal_parts    cuts a goal into parts, without what it forbids
tool_words    the words by which people ask for tools
deeds         makes the steps of one deed
draft         the steps so far
named_things  finds numbers, names and texts in a part
search_words  finds the words of a search
tasks         names the texts that such a plan asks for
writing       writes the texts that such a plan asks for
"""
