-- The merchants of this installation and the keys by which programs call it.

CREATE TABLE tenant (
    id           uuid        PRIMARY KEY,
    name         text        NOT NULL UNIQUE,
    display_name text        NOT NULL DEFAULT '',
    create_time  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tenant IS 'A merchant; a look-up table that finds the tenant, so without a policy';

-- Scopes are those of spojka.api.common.v1.Scope: 1 channel, 2 operator, 3 admin.
CREATE TABLE api_key (
    id          uuid        PRIMARY KEY,
    tenant_id   uuid        REFERENCES tenant,
    scope       smallint    NOT NULL CHECK (scope BETWEEN 1 AND 3),
    channel_id  text,
    description text        NOT NULL DEFAULT '',
    digest      bytea       NOT NULL CHECK (octet_length(digest) = 32),
    create_time timestamptz NOT NULL DEFAULT now(),
    created_by  text        NOT NULL,
    revoke_time timestamptz,
    revoked_by  text,
    CHECK ((scope = 3) = (tenant_id IS NULL)),
    CHECK ((scope = 1) = (channel_id IS NOT NULL))
);
CREATE INDEX api_key_tenant ON api_key (tenant_id, id);
COMMENT ON TABLE api_key IS 'Keys of the public address; the secret is kept as its SHA-256 only';

-- A key is looked up before its tenant is known: without a tenant all keys are
-- seen. Within a tenant's transaction only the tenant's own are.
ALTER TABLE api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_key FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON api_key USING (
    nullif(current_setting('app.tenant', true), '') IS NULL
    OR tenant_id = nullif(current_setting('app.tenant', true), '')::uuid
);
