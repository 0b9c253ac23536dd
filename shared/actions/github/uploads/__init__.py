"""What people upload into issues and comments.

queries   asks for it, as values
pictures  fetches pictures, with no credentials, from where GitHub serves them
"""
