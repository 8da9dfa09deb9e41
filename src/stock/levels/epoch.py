"""The epoch of stock events: raised when a backup was restored, compared before revisions.

A restored database would go on with revisions that consumers have seen
already. PostgreSQL gives a restored cluster another identity: another system
identifier (dump and restore) or another timeline (point-in-time recovery).
"""

from spojka.database import Connection


async def current_epoch(connection: Connection) -> int:
    """The epoch in force."""
    cursor = await connection.execute("SELECT coalesce(max(value), 1) FROM epoch")
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def raise_epoch_after_restore(connection: Connection) -> bool:
    """Raise the epoch where this is another database cluster than last time; True when it was."""
    cursor = await connection.execute(
        """
        WITH here AS (
            SELECT system.system_identifier || '/' || checkpoint.timeline_id AS cluster
            FROM pg_control_system() AS system, pg_control_checkpoint() AS checkpoint
        ), newest AS (
            SELECT value, cluster FROM epoch ORDER BY value DESC LIMIT 1
        )
        INSERT INTO epoch (value, cluster)
        SELECT coalesce(newest.value, 0) + 1, here.cluster
        FROM here LEFT JOIN newest ON true
        WHERE here.cluster IS DISTINCT FROM newest.cluster
        ON CONFLICT DO NOTHING
        RETURNING value
        """
    )
    row = await cursor.fetchone()
    return row is not None and row[0] > 1
