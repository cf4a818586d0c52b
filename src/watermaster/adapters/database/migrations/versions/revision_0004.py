"""Records of topics by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of hours."""
    op.create_table(
        "hour_count",
        sa.Column("cluster", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("hour", sa.Integer, primary_key=True),
        sa.Column("records", sa.Double, nullable=False),
    )
