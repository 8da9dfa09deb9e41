-- The money side: payments, the orders they may pay, and the ledger between them.

CREATE TABLE payable (
    tenant_id        uuid        NOT NULL,
    order_id         uuid        NOT NULL,
    revision         bigint      NOT NULL,
    channel_id       text        NOT NULL,
    number           text        NOT NULL,
    currency         text        NOT NULL,
    total            numeric     NOT NULL,
    paid             numeric     NOT NULL DEFAULT 0,
    payment_state    smallint    NOT NULL DEFAULT 1,
    payment_revision bigint      NOT NULL DEFAULT 0,
    cancelled        boolean     NOT NULL,
    awaits           smallint    NOT NULL,
    order_time       timestamptz NOT NULL,
    close_time       timestamptz,
    customer_key     text        NOT NULL,
    value            bytea       NOT NULL,
    PRIMARY KEY (tenant_id, order_id)
);
COMMENT ON TABLE payable IS 'The order book as payments need it, newest revision only, with what is paid of each order';
COMMENT ON COLUMN payable.revision IS 'Of the order, as the order book counts it';
COMMENT ON COLUMN payable.paid IS 'The sum of the order''s allocations';
COMMENT ON COLUMN payable.payment_state IS 'spojka.api.orders.v1.PaymentState, as last told to the order book';
COMMENT ON COLUMN payable.payment_revision IS 'Of what was told to the order book; only grows';
COMMENT ON COLUMN payable.awaits IS 'spojka.api.orders.v1.PaymentMethod: which money is awaited';
COMMENT ON COLUMN payable.close_time IS 'Since when it is paid or cancelled; null while it is open';
COMMENT ON COLUMN payable.value IS 'The references as spojka.api.orders.v1.OrderReferences, as they were written';

CREATE TABLE payable_key (
    tenant_id uuid     NOT NULL,
    kind      smallint NOT NULL,
    key       text     NOT NULL,
    order_id  uuid     NOT NULL,
    PRIMARY KEY (tenant_id, key, kind, order_id)
);
-- Hashed, since an index in the order of orders would tempt the planner, as long as it knows little
-- of the table, to walk through all orders of a tenant in search of a key's newest.
CREATE INDEX payable_key_order ON payable_key USING hash (order_id);
COMMENT ON TABLE payable_key IS 'What a payment may name an order by, in the form in which it is compared';
COMMENT ON COLUMN payable_key.kind IS 'spojka.api.payments.v1.Criterion';

CREATE TABLE payment (
    tenant_id          uuid        NOT NULL,
    id                 uuid        NOT NULL,
    revision           bigint      NOT NULL DEFAULT 1,
    source             smallint    NOT NULL,
    connection_id      uuid        NOT NULL,
    incoming           boolean     NOT NULL,
    amount             numeric     NOT NULL,
    currency           text        NOT NULL,
    value_date         date        NOT NULL,
    own_account        text        NOT NULL,
    counter_account    text        NOT NULL,
    variable_symbol    text        NOT NULL,
    reference          text        NOT NULL,
    likeness           bytea       NOT NULL,
    balance            text        NOT NULL,
    status             smallint    NOT NULL,
    allocated          numeric     NOT NULL DEFAULT 0,
    credited           numeric     NOT NULL DEFAULT 0,
    needs_person       boolean     NOT NULL DEFAULT false,
    decided_by         text        NOT NULL DEFAULT '',
    hold               smallint    NOT NULL DEFAULT 0,
    address_id         uuid,
    bank               text        NOT NULL DEFAULT '',
    sender_domain      text        NOT NULL DEFAULT '',
    automatic_per_hour integer     NOT NULL DEFAULT 0,
    automatic_time     timestamptz,
    receive_time       timestamptz NOT NULL,
    value              bytea       NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CHECK (amount >= 0 AND allocated >= 0 AND credited >= 0 AND allocated + credited <= amount)
);
CREATE UNIQUE INDEX payment_reference
    ON payment (tenant_id, source, connection_id, own_account, reference, incoming, currency, amount)
    WHERE reference <> '';
CREATE UNIQUE INDEX payment_balance
    ON payment (tenant_id, connection_id, likeness, balance) WHERE reference = '' AND balance <> '';
CREATE INDEX payment_likeness ON payment (tenant_id, connection_id, likeness, id);
CREATE INDEX payment_status ON payment (tenant_id, status, id);
CREATE INDEX payment_person ON payment (tenant_id, id) WHERE needs_person;
CREATE INDEX payment_held ON payment (tenant_id, connection_id, hold, id) WHERE hold <> 0;
CREATE INDEX payment_symbol ON payment (tenant_id, variable_symbol, id) WHERE variable_symbol <> '';
CREATE INDEX payment_date ON payment (tenant_id, value_date, id);
CREATE INDEX payment_automatic
    ON payment (tenant_id, connection_id, automatic_time) WHERE automatic_time IS NOT NULL;
COMMENT ON TABLE payment IS 'One row for each movement of money, whatever the sources that told of it';
COMMENT ON COLUMN payment.value IS 'The movement and its verdict as spojka.api.payments.v1.Payment, without ledger lines, decisions and what columns hold of how it stands';
COMMENT ON COLUMN payment.likeness IS 'A hash of what two mails about one movement have in common; possible twins share it';
COMMENT ON COLUMN payment.balance IS 'The account''s balance after it, where a mail said it: tells movements of one likeness apart';
COMMENT ON COLUMN payment.status IS 'spojka.api.payments.v1.PaymentStatus';
COMMENT ON COLUMN payment.allocated IS 'The sum of its ledger lines for orders';
COMMENT ON COLUMN payment.credited IS 'The sum of its ledger lines for credit';
COMMENT ON COLUMN payment.decided_by IS 'The person whose decision automation leaves alone; empty where there is none';
COMMENT ON COLUMN payment.hold IS 'Why it waits for a confirmation (payments.ledger.holds.Hold); 0 where it does not';
COMMENT ON COLUMN payment.automatic_per_hour IS 'How many payments of its connection may pay by themselves in an hour; 0: any number';
COMMENT ON COLUMN payment.automatic_time IS 'When it last paid an order by itself';

CREATE TABLE payment_source (
    tenant_id  uuid        NOT NULL,
    mail_id    uuid        NOT NULL,
    movement   integer     NOT NULL,
    payment_id uuid        NOT NULL,
    time       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, mail_id, movement)
);
CREATE INDEX payment_source_payment ON payment_source (tenant_id, payment_id);
COMMENT ON TABLE payment_source IS 'Every mail and movement in it that told of a payment';

CREATE TABLE search_key (
    tenant_id  uuid     NOT NULL,
    kind       smallint NOT NULL,
    key        text     NOT NULL,
    payment_id uuid     NOT NULL,
    PRIMARY KEY (tenant_id, kind, key, payment_id)
);
CREATE INDEX search_key_payment ON search_key (tenant_id, payment_id);
COMMENT ON TABLE search_key IS 'What payments look for: finds those that a new order or reference concerns';

CREATE TABLE allocation (
    tenant_id   uuid        NOT NULL,
    id          uuid        NOT NULL,
    payment_id  uuid        NOT NULL,
    number      integer     NOT NULL,
    order_id    uuid,
    amount      numeric     NOT NULL,
    currency    text        NOT NULL,
    decision_id uuid        NOT NULL,
    actor       text        NOT NULL,
    reverses_id uuid,
    customer_key text       NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX allocation_payment ON allocation (tenant_id, payment_id, number);
CREATE INDEX allocation_order ON allocation (tenant_id, order_id, id) WHERE order_id IS NOT NULL;
CREATE UNIQUE INDEX allocation_reversed ON allocation (tenant_id, reverses_id) WHERE reverses_id IS NOT NULL;
COMMENT ON TABLE allocation IS 'The ledger: lines are only added, and each can be reversed once';
COMMENT ON COLUMN allocation.number IS 'Of the payment''s lines, from 1: drawn under the payment''s lock, it orders them';
COMMENT ON COLUMN allocation.order_id IS 'Null: the customer''s credit';
COMMENT ON COLUMN allocation.customer_key IS
    'Who had ordered when the money was given, whatever the order says since; empty where nobody is known';

CREATE TABLE decision (
    tenant_id  uuid        NOT NULL,
    id         uuid        NOT NULL,
    payment_id uuid        NOT NULL,
    revision   bigint      NOT NULL,
    actor      text        NOT NULL,
    kind       text        NOT NULL,
    summary    text        NOT NULL,
    before     bytea       NOT NULL DEFAULT '',
    undoes_id  uuid,
    time       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX decision_payment ON decision (tenant_id, payment_id, revision);
CREATE UNIQUE INDEX decision_undone ON decision (tenant_id, undoes_id) WHERE undoes_id IS NOT NULL;
COMMENT ON TABLE decision IS 'What people and Spojka decided about payments';
COMMENT ON COLUMN decision.revision IS 'Of the payment, as the decision made it: drawn under the payment''s lock, it orders decisions';
COMMENT ON COLUMN decision.before IS 'What undoing needs to put back';
COMMENT ON COLUMN decision.kind IS 'What was decided, such as match; see Decision.kind of the contract';

CREATE TABLE never_pair (
    tenant_id   uuid NOT NULL,
    payment_id  uuid NOT NULL,
    order_id    uuid NOT NULL,
    decision_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, payment_id, order_id)
);
COMMENT ON TABLE never_pair IS 'Pairs that a person ruled out';

CREATE TABLE confirmed_sender (
    tenant_id     uuid        NOT NULL,
    address_id    uuid        NOT NULL,
    bank          text        NOT NULL,
    sender_domain text        NOT NULL,
    decision_id   uuid        NOT NULL,
    PRIMARY KEY (tenant_id, address_id, bank, sender_domain)
);
COMMENT ON TABLE confirmed_sender IS 'Whose first payment at an address a person confirmed';

CREATE TABLE payer (
    tenant_id       uuid    NOT NULL,
    counter_account text    NOT NULL,
    customer_key    text    NOT NULL,
    times           integer NOT NULL,
    PRIMARY KEY (tenant_id, counter_account, customer_key)
);
COMMENT ON TABLE payer IS 'Accounts from which orders of a customer were paid before';
COMMENT ON COLUMN payer.times IS 'Ledger lines that say so, less those that took one back';

CREATE TABLE matching_rules (
    tenant_id uuid        NOT NULL,
    revision  bigint      NOT NULL,
    value     bytea       NOT NULL,
    actor     text        NOT NULL,
    time      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, revision)
);
COMMENT ON TABLE matching_rules IS 'Every revision of a tenant''s rules as spojka.api.payments.v1.MatchingRules; the newest holds';

CREATE TABLE recheck (
    tenant_id  uuid        NOT NULL,
    of_order   boolean     NOT NULL,
    subject_id uuid        NOT NULL,
    due_time   timestamptz NOT NULL DEFAULT now(),
    attempts   integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, of_order, subject_id)
);
CREATE INDEX recheck_due ON recheck (due_time);
COMMENT ON TABLE recheck IS 'Payments to be looked at again, and orders whose payments are: work of all tenants';
COMMENT ON COLUMN recheck.subject_id IS 'Of the order, or of the payment';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['payable', 'payable_key', 'payment', 'payment_source', 'search_key',
        'allocation', 'decision', 'never_pair', 'confirmed_sender', 'payer', 'matching_rules'] LOOP
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
