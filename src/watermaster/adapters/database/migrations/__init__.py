"""How the tables came to be what they are: alembic runs what is missing, in the transaction that it is handed."""
