"""Run by alembic. Only with a connection that `engine.py` has locked; there is no other way in."""

from alembic import context

from watermaster.adapters.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
