-- The goods side: connections, levels, holds, imports, listings.
-- Quantities are numeric(21,6): 15 digits before the point and 6 after.

CREATE TABLE connection (
    tenant_id          uuid        NOT NULL,
    id                 uuid        NOT NULL,
    system             text        NOT NULL,
    name               text        NOT NULL,
    state              text        NOT NULL CHECK (state IN ('inactive', 'starting', 'active')),
    settings           jsonb       NOT NULL,
    sealing_key        text        NOT NULL,
    credentials        bytea       NOT NULL,
    credential_names   text[]      NOT NULL,
    meaning            text        NOT NULL,
    aggregation        text        NOT NULL CHECK (aggregation IN ('sum', 'max')),
    buffer             numeric(21,6) NOT NULL CHECK (buffer >= 0),
    pairing            text        NOT NULL,
    automatic_import   boolean     NOT NULL,
    reading_seconds    integer     NOT NULL CHECK (reading_seconds > 0),
    probe_seconds      integer     NOT NULL CHECK (probe_seconds > 0),
    full_hours         integer     NOT NULL CHECK (full_hours > 0),
    mass_change_limit_percent integer NOT NULL CHECK (mass_change_limit_percent BETWEEN 1 AND 100),
    impulse_token      text        NOT NULL,
    -- What the next reading starts from, and what was asked for out of turn.
    cursor             text,
    probe_cursor       text,
    named              jsonb,
    requested_reading  text        CHECK (requested_reading IN ('full', 'incremental')),
    requested_cause    text        NOT NULL DEFAULT '',
    last_full_time     timestamptz,
    last_reading_time  timestamptz,
    next_reading_time  timestamptz NOT NULL DEFAULT now(),
    next_probe_time    timestamptz NOT NULL DEFAULT now(),
    failures           integer     NOT NULL DEFAULT 0,
    retry_time         timestamptz,
    problem            text        NOT NULL DEFAULT '',
    epoch              bigint      NOT NULL DEFAULT 1,
    -- Items with a greater id are still to be decided anew, for this cause; NULL where none is.
    decide_after       uuid,
    decide_cause       text        NOT NULL DEFAULT '',
    create_time        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX connection_active ON connection (tenant_id) WHERE state <> 'inactive';
COMMENT ON INDEX connection_active IS 'A tenant has one active warehouse connection';

CREATE TABLE impulse (
    token         text NOT NULL PRIMARY KEY,
    tenant_id     uuid NOT NULL,
    connection_id uuid NOT NULL
);
COMMENT ON TABLE impulse IS 'Look-up that finds the tenant of an impulse URL; belongs to no tenant';

CREATE TABLE epoch (
    value   bigint      NOT NULL PRIMARY KEY,
    cluster text        NOT NULL,
    time    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE epoch IS 'Grows when a backup was restored; belongs to no tenant';

CREATE TABLE request_number (
    tenant_id     uuid   NOT NULL,
    connection_id uuid   NOT NULL,
    last          bigint NOT NULL,
    PRIMARY KEY (tenant_id, connection_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE request_number IS 'Numbers requests to a warehouse system before they are sent';

CREATE TABLE warehouse (
    tenant_id     uuid    NOT NULL,
    connection_id uuid    NOT NULL,
    code          text    NOT NULL,
    name          text    NOT NULL,
    place         integer NOT NULL,
    included      boolean NOT NULL,
    PRIMARY KEY (tenant_id, connection_id, code)
);

CREATE TABLE item (
    tenant_id      uuid        NOT NULL,
    id             uuid        NOT NULL,
    connection_id  uuid        NOT NULL,
    number_key     text COLLATE "C" NOT NULL,
    product_number text        NOT NULL,
    ean            text        NOT NULL,
    gtin           text,
    name           text        NOT NULL,
    unit           text        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('goods', 'service', 'set')),
    components     jsonb,
    removed        boolean     NOT NULL DEFAULT false,
    buffer         numeric(21,6),
    available      numeric(21,6) NOT NULL DEFAULT 0,
    revision       bigint      NOT NULL DEFAULT 0,
    content        bytea       NOT NULL DEFAULT '',
    as_of_time     timestamptz,
    xid            xid8        NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX item_number ON item (tenant_id, connection_id, number_key);
CREATE UNIQUE INDEX item_gtin ON item (tenant_id, connection_id, gtin) WHERE gtin IS NOT NULL;
CREATE INDEX item_changed ON item (tenant_id, xid);
COMMENT ON COLUMN connection.named IS 'Cards and documents that a probe named and that are still to be read';
COMMENT ON COLUMN connection.epoch IS 'The epoch in which all its items were last published';
COMMENT ON COLUMN item.content IS 'StockChanged as last published, without revision and time';
COMMENT ON COLUMN item.xid IS 'The transaction of the last change: a cursor that loses no late commit';

CREATE TABLE level (
    tenant_id     uuid        NOT NULL,
    connection_id uuid        NOT NULL,
    card_id       text        NOT NULL,
    item_id       uuid        NOT NULL,
    warehouse     text        NOT NULL,
    digest        bigint      NOT NULL,
    on_hand       numeric(21,6) NOT NULL,
    reserved      numeric(21,6) NOT NULL,
    ordered       numeric(21,6) NOT NULL,
    available     numeric(21,6) NOT NULL,
    capture       bigint      NOT NULL,
    as_of_time    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, connection_id, card_id),
    -- Deferred: one answer may swap the numbers of two cards.
    UNIQUE (tenant_id, item_id, warehouse) DEFERRABLE INITIALLY DEFERRED
) WITH (fillfactor = 80);
COMMENT ON COLUMN level.digest IS 'Of the card''s number, EAN, name, unit and kind';
COMMENT ON COLUMN level.capture IS 'Number of the request whose answer carried the row';

CREATE TABLE coverage (
    tenant_id     uuid        NOT NULL,
    connection_id uuid        NOT NULL,
    capture       bigint      NOT NULL,
    asked_time    timestamptz NOT NULL,
    cards         text[]      NOT NULL,
    PRIMARY KEY (tenant_id, connection_id, capture)
);
COMMENT ON TABLE coverage IS 'Which cards each answer spoke for, also where no number changed';

CREATE TABLE reading (
    tenant_id     uuid        NOT NULL,
    id            uuid        NOT NULL,
    connection_id uuid        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('full', 'incremental', 'targeted')),
    state         text        NOT NULL
        CHECK (state IN ('running', 'applied', 'held', 'failed', 'rejected', 'replaced')),
    cause         text        NOT NULL,
    start_time    timestamptz NOT NULL DEFAULT now(),
    end_time      timestamptz,
    cards         bigint      NOT NULL DEFAULT 0,
    changed       bigint      NOT NULL DEFAULT 0,
    zeroed        bigint      NOT NULL DEFAULT 0,
    problem       text        NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX reading_newest ON reading (tenant_id, connection_id, id DESC);

CREATE TABLE held_level (
    tenant_id  uuid        NOT NULL,
    reading_id uuid        NOT NULL,
    card_id    text        NOT NULL,
    capture    bigint      NOT NULL,
    asked_time timestamptz NOT NULL,
    on_hand    numeric(21,6) NOT NULL,
    reserved   numeric(21,6) NOT NULL,
    ordered    numeric(21,6) NOT NULL,
    PRIMARY KEY (tenant_id, reading_id, card_id)
);
COMMENT ON TABLE held_level IS 'Levels of a reading that waits for approval';

CREATE TABLE unreadable_card (
    tenant_id     uuid        NOT NULL,
    connection_id uuid        NOT NULL,
    card_id       text        NOT NULL,
    problem       text        NOT NULL,
    fragment      text        NOT NULL,
    time          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, connection_id, card_id)
);
COMMENT ON TABLE unreadable_card IS 'Cards of answers that could not be read, for the operator';

CREATE TABLE order_import (
    tenant_id         uuid        NOT NULL,
    order_id          uuid        NOT NULL,
    connection_id     uuid,
    channel_id        text        NOT NULL,
    order_number      text        NOT NULL,
    order_revision    bigint      NOT NULL,
    content_revision  bigint      NOT NULL,
    content           bytea       NOT NULL,
    cancelled         boolean     NOT NULL,
    state             text        NOT NULL
        CHECK (state IN ('local', 'sent', 'unknown', 'acked', 'blocked', 'withdrawn')),
    action            text        NOT NULL DEFAULT '' CHECK (action IN ('', 'create', 'delete')),
    external_id       text        NOT NULL DEFAULT '',
    document_revision bigint      NOT NULL DEFAULT 0,
    document_id       text        NOT NULL DEFAULT '',
    document_number   text        NOT NULL DEFAULT '',
    sent_lines        jsonb       NOT NULL DEFAULT '[]',
    delivered         jsonb       NOT NULL DEFAULT '{}',
    reason            text        NOT NULL DEFAULT '',
    problem_lines     jsonb       NOT NULL DEFAULT '{}',
    attempts          integer     NOT NULL DEFAULT 0,
    next_attempt_time timestamptz NOT NULL DEFAULT now(),
    sent_number       bigint      NOT NULL DEFAULT 0,
    sent_time         timestamptz,
    barrier           bigint      NOT NULL DEFAULT 0,
    unread            boolean     NOT NULL DEFAULT false,
    ack_time          timestamptz,
    complete          boolean     NOT NULL DEFAULT false,
    revision          bigint      NOT NULL DEFAULT 0,
    create_time       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, order_id)
) WITH (fillfactor = 80);
CREATE INDEX order_import_due ON order_import (tenant_id, connection_id, next_attempt_time)
    WHERE NOT complete;
CREATE INDEX order_import_document ON order_import (tenant_id, connection_id, document_id)
    WHERE document_id <> '';
COMMENT ON COLUMN order_import.barrier IS 'Number of our last write to the document: what was read before it is void';
COMMENT ON COLUMN order_import.unread IS 'The document, or its cards, must be read back at once';
COMMENT ON COLUMN order_import.complete IS 'Nothing more is to be done: its holds have ended';

CREATE TABLE hold (
    tenant_id     uuid        NOT NULL,
    order_id      uuid        NOT NULL,
    line_id       text        NOT NULL,
    item_id       uuid        NOT NULL,
    warehouse     text,
    created       numeric(21,6) NOT NULL CHECK (created >= 0),
    wanted        numeric(21,6) NOT NULL CHECK (wanted BETWEEN 0 AND created),
    absorbed      numeric(21,6) NOT NULL CHECK (absorbed BETWEEN 0 AND wanted),
    create_time   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, order_id, line_id, item_id)
);
CREATE INDEX hold_item ON hold (tenant_id, item_id) WHERE wanted > 0;
COMMENT ON TABLE hold IS 'Units kept back for an order line: live = wanted - absorbed, released = created - wanted';

CREATE TABLE read_back (
    tenant_id uuid    NOT NULL,
    order_id  uuid    NOT NULL,
    number    bigint  NOT NULL,
    document  jsonb   NOT NULL,
    time      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, order_id, number)
);
COMMENT ON TABLE read_back IS 'Documents as the warehouse system showed them, by the number of the request';

CREATE TABLE movement (
    tenant_id uuid        NOT NULL,
    item_id   uuid        NOT NULL,
    revision  bigint      NOT NULL,
    time      timestamptz NOT NULL DEFAULT now(),
    before    numeric(21,6) NOT NULL,
    after     numeric(21,6) NOT NULL,
    cause     text        NOT NULL,
    PRIMARY KEY (tenant_id, item_id, revision)
);
CREATE INDEX movement_time ON movement (time);
COMMENT ON TABLE movement IS 'What made each revision of an item';

CREATE TABLE offer_rule (
    tenant_id  uuid    NOT NULL,
    channel_id text    NOT NULL,
    warehouses text[]  NOT NULL DEFAULT '{}',
    buffer     numeric(21,6) NOT NULL DEFAULT 0,
    percent    integer NOT NULL DEFAULT 100 CHECK (percent BETWEEN 1 AND 100),
    maximum    numeric(21,6),
    fractions  boolean NOT NULL DEFAULT false,
    xid        xid8    NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant_id, channel_id)
);

CREATE TABLE listing (
    tenant_id      uuid    NOT NULL,
    channel_id     text    NOT NULL,
    id             text    NOT NULL,
    product_number text    NOT NULL,
    number_key     text COLLATE "C" NOT NULL,
    ean            text    NOT NULL,
    gtin           text,
    name           text    NOT NULL,
    item_id        uuid,
    link_source    text    CHECK (link_source IN ('product_number', 'ean', 'manual')),
    problem        text    NOT NULL DEFAULT '',
    removed        boolean NOT NULL DEFAULT false,
    linked_once    boolean NOT NULL DEFAULT false,
    xid            xid8    NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant_id, channel_id, id)
);
CREATE INDEX listing_item ON listing (tenant_id, item_id, channel_id) WHERE item_id IS NOT NULL;
CREATE INDEX listing_number ON listing (tenant_id, number_key) WHERE number_key <> '';
CREATE INDEX listing_gtin ON listing (tenant_id, gtin) WHERE gtin IS NOT NULL;
CREATE INDEX listing_changed ON listing (tenant_id, channel_id, xid);
COMMENT ON COLUMN listing.linked_once IS 'Its channel was told a number: without a link it is told 0';
COMMENT ON COLUMN listing.removed IS 'Kept, so that watchers are told 0 and a link by hand survives';

CREATE TABLE conflict (
    tenant_id     uuid        NOT NULL,
    id            uuid        NOT NULL,
    connection_id uuid        NOT NULL,
    key_kind      text        NOT NULL CHECK (key_kind IN ('product_number', 'ean')),
    key           text        NOT NULL,
    warehouse     text        NOT NULL DEFAULT '',
    card_id       text        NOT NULL,
    item_id       uuid,
    advice        text        NOT NULL,
    create_time   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX conflict_card ON conflict (tenant_id, connection_id, key_kind, card_id);
COMMENT ON TABLE conflict IS 'Cards that stay out because another one has their key';

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['connection', 'request_number', 'warehouse', 'item', 'level',
        'coverage', 'reading', 'held_level', 'unreadable_card', 'order_import', 'hold',
        'read_back', 'movement', 'offer_rule', 'listing', 'conflict']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        -- A tenth of all rows, as is usual, would leave a merchant who comes to a full house
        -- unknown to the statistics for weeks.
        EXECUTE format('ALTER TABLE %I SET (autovacuum_analyze_scale_factor = 0, '
            'autovacuum_analyze_threshold = 1000)', name);
        EXECUTE format('CREATE POLICY tenant ON %I USING '
            '(tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)', name);
    END LOOP;
END $$;
