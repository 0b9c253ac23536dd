"""Deploys to AWS: the secrets, the functions, the database's schema."""
