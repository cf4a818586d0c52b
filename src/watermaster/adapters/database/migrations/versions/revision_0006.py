"""Trials of alert routes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of trials."""
    op.create_table(
        "route_trial",
        sa.Column("route", sa.Text, primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
    )
