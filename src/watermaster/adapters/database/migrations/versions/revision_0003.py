"""Histories of objectives."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of slots."""
    op.create_table(
        "budget_slot",
        sa.Column("objective", sa.Text, primary_key=True),
        sa.Column("width_ms", sa.BigInteger, primary_key=True),
        sa.Column("start_ms", sa.BigInteger, primary_key=True),
        sa.Column("bad", sa.Double, nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
    )
