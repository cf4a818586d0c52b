"""Profiles of fields by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of profiles."""
    op.create_table(
        "profile_hour",
        sa.Column("cluster", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("hour", sa.Integer, primary_key=True),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
