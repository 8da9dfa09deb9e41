-- Tables of the ground; every service's schema has its own set.
-- They belong to no tenant: only the ground's code reaches them.

CREATE TABLE outbox (
    lane        smallint    NOT NULL,
    number      bigint      GENERATED ALWAYS AS IDENTITY,
    topic       text        NOT NULL,
    key         text        NOT NULL,
    type        text        NOT NULL,
    id          uuid        NOT NULL,
    time        timestamptz NOT NULL,
    traceparent text        NOT NULL,
    value       bytea,
    PRIMARY KEY (lane, number)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE outbox IS 'Events that the broker has not acknowledged yet, in lanes of keys';

-- What the statistics say of a queue is never true for long. The plan is laid down instead: from the
-- head of the lane along its index, or each batch would sort the whole backlog.
-- Volatile, so that the SELECT sees what was committed meanwhile and no longer what was deleted.
CREATE FUNCTION outbox_advance(of_lane smallint, published bigint[], max_rows integer, max_bytes integer)
RETURNS TABLE (number bigint, topic text, type text, "time" timestamptz, traceparent text,
               id text, key text, value bytea)
LANGUAGE sql VOLATILE
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off
AS $$
    DELETE FROM outbox WHERE lane = of_lane AND number = ANY(published);
    SELECT number, topic, type, time, traceparent, id::text, key, value
    FROM (
        SELECT *, sum(coalesce(octet_length(value), 0)) OVER (ORDER BY number ROWS UNBOUNDED PRECEDING)
                  - coalesce(octet_length(value), 0) AS bytes_before
        FROM (SELECT * FROM outbox WHERE lane = of_lane ORDER BY number LIMIT max_rows) AS head
    ) AS batch
    WHERE bytes_before < max_bytes
    ORDER BY number
$$;
COMMENT ON FUNCTION outbox_advance IS 'Deletes rows of a lane that were published and gives its next batch';

CREATE TABLE inbox (
    consumer text        NOT NULL,
    id       uuid        NOT NULL,
    time     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, id)
);
CREATE INDEX inbox_time ON inbox (time);
COMMENT ON TABLE inbox IS 'Fact events that were handled';

CREATE TABLE dead_letter_count (
    consumer  text        NOT NULL,
    topic     text        NOT NULL,
    partition integer     NOT NULL,
    count     integer     NOT NULL,
    paused    boolean     NOT NULL DEFAULT false,
    time      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, partition)
);
COMMENT ON TABLE dead_letter_count IS 'Dead letters since the last resume; past the limit the partition pauses';

CREATE TABLE dead_letter_replay (
    consumer text        NOT NULL,
    letter   bigint      NOT NULL,
    time     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, letter)
);
COMMENT ON TABLE dead_letter_replay IS 'Dead letters, by offset, that were replayed';

CREATE TABLE lease (
    kind         text        NOT NULL,
    subject      text        NOT NULL,
    tenant_id    uuid        NOT NULL,
    due_time     timestamptz NOT NULL,
    holder       text,
    token        bigint      NOT NULL DEFAULT 0,
    expiry_time  timestamptz,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX lease_due ON lease (kind, due_time);
COMMENT ON TABLE lease IS 'Work that one process at a time may do; the token grows with each holder';

CREATE TABLE request (
    tenant_id   uuid        NOT NULL,
    method      text        NOT NULL,
    request_id  uuid        NOT NULL,
    fingerprint bytea       NOT NULL,
    answer      bytea       NOT NULL,
    time        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, method, request_id)
);
CREATE INDEX request_time ON request (time);
COMMENT ON TABLE request IS 'Answers to writes that carried a request id';

CREATE TABLE task (
    tenant_id    uuid        NOT NULL,
    id           uuid        NOT NULL,
    kind         text        NOT NULL,
    subject      text        NOT NULL,
    summary      text        NOT NULL,
    advice       text        NOT NULL,
    details      jsonb       NOT NULL DEFAULT '{}',
    create_time  timestamptz NOT NULL DEFAULT now(),
    resolve_time timestamptz,
    resolved_by  text,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX task_open ON task (tenant_id, kind, subject) WHERE resolve_time IS NULL;
-- Pages of what still waits, and of one subject, among tasks that are kept for ever.
CREATE INDEX task_waiting ON task (tenant_id, id) WHERE resolve_time IS NULL;
CREATE INDEX task_subject ON task (tenant_id, subject, id);

ALTER TABLE task ENABLE ROW LEVEL SECURITY;
ALTER TABLE task FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON task USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
COMMENT ON TABLE task IS 'What only a person can decide';
