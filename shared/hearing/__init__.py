"""What the agent hears: messages in a row, edits, files and links in Slack, pictures on GitHub.

desk         what a run answers: several messages taken together, as they are when the answer begins
own_nature   what is said of itself when somebody asks: that it is an AI, that it rates nobody
attached     the files that came with them
thread_files a tool of plans: the files of a whole thread
pictures     what people upload into issues and comments on GitHub
ear          what is said in recordings
file_kinds   what a file says, by its bytes: text, a table, a picture
links        what links to GitHub and to Slack messages lead to, for those who may see it
pdf          the text of a PDF, read by pdf_process in a process of its own
"""
