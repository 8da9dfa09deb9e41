-- Bank mail: connections and their addresses, mails as they came, and what was made of them.

CREATE TABLE connection (
    tenant_id           uuid        NOT NULL,
    id                  uuid        NOT NULL,
    name                text        NOT NULL,
    account             text        NOT NULL,
    account_key         text        NOT NULL,
    currency            text        NOT NULL,
    inactive            boolean     NOT NULL,
    automatic_limit     numeric(21,6) CHECK (automatic_limit >= 0),
    automatic_per_hour  bigint      NOT NULL CHECK (automatic_per_hour >= 0),
    forwarding_mailboxes text[]     NOT NULL,
    address_id          uuid        NOT NULL,
    create_time         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX connection_account ON connection (tenant_id, account_key, currency);
COMMENT ON COLUMN connection.account IS 'As it was typed';
COMMENT ON COLUMN connection.account_key IS 'In the form in which accounts are compared';
COMMENT ON COLUMN connection.automatic_limit IS 'Null: no limit';
COMMENT ON COLUMN connection.automatic_per_hour IS '0: the installation''s setting';
COMMENT ON COLUMN connection.address_id IS 'The address that is shown; earlier ones may still work';

CREATE TABLE address (
    local_hash    bytea       NOT NULL PRIMARY KEY,
    id            uuid        NOT NULL UNIQUE,
    tenant_id     uuid        NOT NULL,
    connection_id uuid        NOT NULL,
    sealing_key   text        NOT NULL,
    sealed        bytea       NOT NULL,
    create_time   timestamptz NOT NULL DEFAULT now(),
    end_time      timestamptz
);
CREATE INDEX address_connection ON address (tenant_id, connection_id, create_time);
COMMENT ON TABLE address IS 'Look-up that finds the tenant of a mail''s recipient; belongs to no tenant';
COMMENT ON COLUMN address.local_hash IS 'SHA-256 of the part before the @';
COMMENT ON COLUMN address.end_time IS 'When it stopped or stops working; null: it is the connection''s own';

CREATE TABLE mail (
    tenant_id       uuid        NOT NULL,
    id              uuid        NOT NULL,
    connection_id   uuid        NOT NULL,
    address_id      uuid        NOT NULL,
    digest          bytea       NOT NULL,
    size_bytes      integer     NOT NULL,
    client_ip       text        NOT NULL,
    helo            text        NOT NULL,
    envelope_from   text        NOT NULL,
    receive_time    timestamptz NOT NULL,
    redeliveries    integer     NOT NULL DEFAULT 0,
    redelivery_time timestamptz,
    state           smallint    NOT NULL DEFAULT 1,
    trust           smallint    NOT NULL DEFAULT 0,
    bank            text        NOT NULL DEFAULT '',
    attempts        integer     NOT NULL DEFAULT 0,
    evidence        text,
    value           bytea       NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX mail_digest
    ON mail (tenant_id, connection_id, digest, client_ip, envelope_from, helo);
CREATE INDEX mail_connection ON mail (tenant_id, connection_id, receive_time);
CREATE INDEX mail_state ON mail (tenant_id, state, id);
COMMENT ON TABLE mail IS 'One row for each mail; ids sort by time of arrival';
COMMENT ON COLUMN mail.digest IS 'SHA-256 of the bytes: the same mail again by the same way is noted, not stored';
COMMENT ON COLUMN mail.state IS 'spojka.api.mail.v1.MailState';
COMMENT ON COLUMN mail.trust IS 'spojka.api.mail.v1.Trust';
COMMENT ON COLUMN mail.evidence IS 'JSON: what was found out about its sender, so that it can be judged again without asking anew';
COMMENT ON COLUMN mail.value IS 'What was made of it as spojka.api.mail.v1.Mail, without what columns hold';

CREATE TABLE mail_raw (
    tenant_id uuid  NOT NULL,
    mail_id   uuid  NOT NULL,
    raw       bytea NOT NULL,
    PRIMARY KEY (tenant_id, mail_id)
);
COMMENT ON TABLE mail_raw IS 'Mails as they came, byte for byte';

CREATE TABLE notified (
    tenant_id uuid    NOT NULL,
    mail_id   uuid    NOT NULL,
    movement  integer NOT NULL,
    likeness  text    NOT NULL,
    PRIMARY KEY (tenant_id, mail_id, movement)
);
COMMENT ON TABLE notified IS 'The movements of mails that were told to payments, each once';
COMMENT ON COLUMN notified.likeness IS 'By which a movement is known again when the mail is read anew';

CREATE TABLE mail_queue (
    mail_id   uuid        NOT NULL PRIMARY KEY,
    tenant_id uuid        NOT NULL,
    due_time  timestamptz NOT NULL DEFAULT now(),
    claims    integer     NOT NULL DEFAULT 0,
    broken    integer     NOT NULL DEFAULT 0,
    alone     integer     NOT NULL DEFAULT 0
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX mail_queue_due ON mail_queue (due_time);
COMMENT ON TABLE mail_queue IS 'Mails that are to be judged: work of all tenants';
COMMENT ON COLUMN mail_queue.due_time IS 'While one is judged, when others may take it';
COMMENT ON COLUMN mail_queue.claims IS 'How often it was taken; whoever took it is known by the number';
COMMENT ON COLUMN mail_queue.broken IS 'How often in a row it was taken and nothing came of it';
COMMENT ON COLUMN mail_queue.alone IS 'How often of these no other such mail was judged beside it';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['connection', 'mail', 'mail_raw', 'notified'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        -- A tenth of all rows, as is usual, would leave a merchant who comes to a full house
        -- unknown to the statistics for weeks.
        EXECUTE format('ALTER TABLE %I SET (autovacuum_analyze_scale_factor = 0, '
            'autovacuum_analyze_threshold = 1000)', name);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)',
            name);
    END LOOP;
END $$;
