"""Reads what a person configured, and checks it before anything starts.

reader           the environment over the .env file, as `dev`, `flows` and `deploy` all take it
dotenv_file      the .env file
names            the names that count, and the nearest to one that does not
secret_settings  which settings are secrets, and where the deployment keeps them
checks           what each setting expects, a line for each
forms            the forms that a value may have
"""
