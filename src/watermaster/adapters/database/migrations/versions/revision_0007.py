"""The index of held records."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of indexes, of what held records share, and of held records."""
    _create_indexes_and_positions()
    _create_what_records_share()
    _create_held()


def _create_indexes_and_positions() -> None:
    op.create_table(
        "hold_index",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("cluster_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("reading", sa.Text, nullable=False),
        sa.Column("dropped", sa.SmallInteger, nullable=False),
    )
    op.create_index(
        "one_index_of_a_quarantine",
        "hold_index",
        ["cluster_id", "name"],
        unique=True,
        sqlite_where=sa.text("dropped = 0"),
        postgresql_where=sa.text("dropped = 0"),
    )
    op.create_table(
        "hold_topic",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("index_ref", sa.Integer, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("topic_id", sa.Text, nullable=False),
        sa.Column("holds", sa.SmallInteger, nullable=False),
        sa.UniqueConstraint("index_ref", "topic", name="one_row_of_a_topic"),
    )
    op.create_table(
        "hold_position",
        sa.Column("topic_ref", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "hold_unread",
        sa.Column("topic_ref", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("place_offset", sa.BigInteger, primary_key=True),
    )


def _create_what_records_share() -> None:
    op.create_table(
        "hold_facts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("index_ref", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("contract", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("index_ref", "digest", name="facts_stand_once"),
    )
    op.create_index("facts_of_a_group", "hold_facts", ["index_ref", "fingerprint"])
    op.create_table(
        "hold_rule",
        sa.Column("facts_ref", sa.Integer, primary_key=True),
        sa.Column("rule", sa.Text, primary_key=True),
    )
    op.create_table(
        "hold_text",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("index_ref", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("index_ref", "digest", name="texts_stand_once"),
    )


def _create_held() -> None:
    op.create_table(
        "held",
        sa.Column("topic_ref", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("place_offset", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("index_ref", sa.Integer, nullable=False),
        sa.Column("facts_ref", sa.Integer, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("sight", sa.SmallInteger, nullable=False),
        sa.Column("slot", sa.BigInteger, nullable=False),
        sa.Column("source_partition", sa.BigInteger, nullable=False),
        sa.Column("source_offset", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.BigInteger, nullable=False),
        sa.Column("key_hash", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("key_bytes", sa.BigInteger, nullable=False),
        sa.Column("value_bytes", sa.BigInteger, nullable=False),
        sa.Column("header_count", sa.BigInteger, nullable=False),
        sa.Column("landed_ms", sa.BigInteger, nullable=False),
        sa.Column("stored_ms", sa.BigInteger, nullable=False),
        sa.Column("text_ref", sa.Integer),
        sqlite_with_rowid=False,
    )
    facts = ["index_ref", "state", "facts_ref", "slot", "source_partition", "topic_ref"]
    covered = ["sight", "landed_ms", "value_bytes", "stored_ms", "number", "place_offset"]
    op.create_index("held_by_facts", "held", [*facts, *covered])
    op.create_index("held_by_source", "held", ["index_ref", "source_partition", "source_offset", "key_hash"])
    op.create_index(
        "held_again",
        "held",
        ["index_ref", "topic_ref"],
        sqlite_where=sa.text("sight = 2"),
        postgresql_where=sa.text("sight = 2"),
    )
