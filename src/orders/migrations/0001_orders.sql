-- The sales channels and the order book.

CREATE TABLE channel (
    tenant_id   uuid        NOT NULL,
    id          text        NOT NULL,
    name        text        NOT NULL,
    version     bigint      NOT NULL DEFAULT 1,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON TABLE channel IS 'E-shops and marketplaces; never deleted';
COMMENT ON COLUMN channel.version IS
    'Grows when the status rule that holds for the channel may have changed: an order is placed only under the version it was decided with';

CREATE TABLE status_rule (
    tenant_id   uuid   NOT NULL,
    channel_id  text   NOT NULL,
    placed      text   NOT NULL,
    paid        text   NOT NULL,
    paid_unless text[] NOT NULL,
    delivered   text   NOT NULL,
    cancelled   text   NOT NULL,
    PRIMARY KEY (tenant_id, channel_id)
);
COMMENT ON COLUMN status_rule.channel_id IS 'Empty: the tenant''s rule, for channels that have none';

CREATE TABLE order_book (
    tenant_id               uuid        NOT NULL,
    id                      uuid        NOT NULL,
    channel_id              text        NOT NULL,
    channel_order_id        text        NOT NULL,
    fingerprint             bytea       NOT NULL,
    number                  text        NOT NULL,
    variable_symbol         text        NOT NULL,
    invoice_number          text        NOT NULL,
    invoice_variable_symbol text        NOT NULL,
    gateway_reference       text        NOT NULL,
    payment_state           smallint    NOT NULL,
    fulfilment_state        smallint    NOT NULL,
    import_state            smallint    NOT NULL,
    payment_revision        bigint      NOT NULL DEFAULT 0,
    deliveries              jsonb,
    value                   bytea       NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, channel_order_id, channel_id)
);
COMMENT ON TABLE order_book IS 'One row for each order; ids sort by the time of placing';
COMMENT ON COLUMN order_book.value IS
    'The whole order as spojka.api.orders.v1.Order; the columns beside it are drawn from it';
COMMENT ON COLUMN order_book.fingerprint IS
    'SHA-256 of the order as its channel first sent it: the same again is a repetition, whatever happened since';
COMMENT ON COLUMN order_book.variable_symbol IS 'Without leading zeros, as symbols are compared';
COMMENT ON COLUMN order_book.deliveries IS
    'What the warehouse and the channel said of deliveries, apart; null while neither did';

CREATE INDEX order_book_channel ON order_book (tenant_id, channel_id, id);
CREATE INDEX order_book_number ON order_book (tenant_id, number);
CREATE INDEX order_book_variable_symbol
    ON order_book (tenant_id, variable_symbol) WHERE variable_symbol <> '';
CREATE INDEX order_book_invoice_number
    ON order_book (tenant_id, invoice_number) WHERE invoice_number <> '';
CREATE INDEX order_book_invoice_variable_symbol
    ON order_book (tenant_id, invoice_variable_symbol) WHERE invoice_variable_symbol <> '';
CREATE INDEX order_book_gateway_reference
    ON order_book (tenant_id, gateway_reference) WHERE gateway_reference <> '';
-- What is not done yet, or rare, is found quickly in a book that only grows: orders open or
-- partly delivered; imports unknown or blocked; orders partly paid, overpaid or refunded.
CREATE INDEX order_book_unfulfilled
    ON order_book (tenant_id, fulfilment_state, id) WHERE fulfilment_state IN (1, 2);
CREATE INDEX order_book_import_trouble
    ON order_book (tenant_id, import_state, id) WHERE import_state IN (3, 5);
CREATE INDEX order_book_payment_trouble
    ON order_book (tenant_id, payment_state, id) WHERE payment_state IN (2, 4, 5);

CREATE TABLE history (
    tenant_id uuid        NOT NULL,
    order_id  uuid        NOT NULL,
    revision  bigint      NOT NULL,
    time      timestamptz NOT NULL,
    actor     text        NOT NULL,
    summary   text        NOT NULL,
    PRIMARY KEY (tenant_id, order_id, revision)
);
COMMENT ON TABLE history IS 'Who did what to an order and when, a row for each of its revisions';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['channel', 'status_rule', 'order_book', 'history'] LOOP
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
