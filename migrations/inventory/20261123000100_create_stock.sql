-- migrate:up

-- Who owns which sellable unit: kept by variant.created.
CREATE TABLE variant_owner (
    variant_id uuid PRIMARY KEY,
    product_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    version bigint NOT NULL
);

-- What everybody may know of a variant, over all locations. Its row lock serialises every change of the variant's stock.
CREATE TABLE variant_stock (
    variant_id uuid PRIMARY KEY,
    product_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    available bigint NOT NULL DEFAULT 0 CHECK (available >= 0),
    low_threshold bigint NOT NULL DEFAULT 5 CHECK (low_threshold >= 0),
    version bigint NOT NULL DEFAULT 1
);
CREATE INDEX variant_stock_product ON variant_stock (product_id);

CREATE TABLE stock_location (
    id uuid PRIMARY KEY,
    seller_id uuid NOT NULL,
    name text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    UNIQUE (seller_id, name)
);
CREATE INDEX stock_location_seller ON stock_location (seller_id, created_at, id);

CREATE TABLE stock_item (
    id uuid PRIMARY KEY,
    location_id uuid NOT NULL REFERENCES stock_location,
    variant_id uuid NOT NULL REFERENCES variant_stock,
    seller_id uuid NOT NULL,
    on_hand bigint NOT NULL CHECK (on_hand >= 0),
    reserved bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    CHECK (reserved BETWEEN 0 AND on_hand),
    UNIQUE (location_id, variant_id)
);
CREATE INDEX stock_item_variant ON stock_item (variant_id, id);
CREATE INDEX stock_item_seller ON stock_item (seller_id, created_at, id);

-- One a checkout. A row may come before its checkout: the trace of a cancel or a payment that overtook it.
CREATE TABLE reservation (
    order_group_id uuid PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    status text NOT NULL CHECK (status IN ('HELD', 'COMMITTED', 'RELEASED', 'FAILED', 'PAID_EARLY')),
    expires_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL
);
CREATE INDEX reservation_held ON reservation (expires_at) WHERE status = 'HELD';

CREATE TABLE reservation_line (
    id uuid PRIMARY KEY,
    order_group_id uuid NOT NULL REFERENCES reservation,
    line_id uuid NOT NULL,
    variant_id uuid NOT NULL,
    stock_item_id uuid NOT NULL REFERENCES stock_item,
    quantity bigint NOT NULL CHECK (quantity > 0),
    status text NOT NULL CHECK (status IN ('HELD', 'COMMITTED', 'RELEASED'))
);
CREATE INDEX reservation_line_group ON reservation_line (order_group_id);

-- Lines cancelled after payment, told before their commit was.
CREATE TABLE cancelled_line (
    line_id uuid PRIMARY KEY,
    order_group_id uuid NOT NULL
);

CREATE TABLE stock_movement (
    id uuid PRIMARY KEY,
    stock_item_id uuid NOT NULL REFERENCES stock_item,
    variant_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('RECEIVED', 'ADJUSTED', 'RESERVED', 'RELEASED', 'COMMITTED', 'RESTOCKED')),
    quantity bigint NOT NULL,
    on_hand_after bigint NOT NULL,
    reserved_after bigint NOT NULL,
    order_group_id uuid,
    actor_id uuid,
    reason text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL
);
CREATE INDEX stock_movement_seller ON stock_movement (seller_id, created_at DESC, id DESC);
CREATE INDEX stock_movement_item ON stock_movement (stock_item_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'movements are append-only';
END
$$;
CREATE TRIGGER stock_movement_append_only BEFORE UPDATE OR DELETE ON stock_movement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The second wall: locations, stock and movements are their seller's and staff's.
ALTER TABLE stock_location ENABLE ROW LEVEL SECURITY;
ALTER TABLE stock_location FORCE ROW LEVEL SECURITY;
CREATE POLICY stock_location_staff ON stock_location USING (current_setting('app.role', true) = 'all');
CREATE POLICY stock_location_seller ON stock_location
    USING (seller_id = NULLIF(current_setting('app.seller_id', true), '')::uuid);
ALTER TABLE stock_item ENABLE ROW LEVEL SECURITY;
ALTER TABLE stock_item FORCE ROW LEVEL SECURITY;
CREATE POLICY stock_item_staff ON stock_item USING (current_setting('app.role', true) = 'all');
CREATE POLICY stock_item_seller ON stock_item
    USING (seller_id = NULLIF(current_setting('app.seller_id', true), '')::uuid);
ALTER TABLE stock_movement ENABLE ROW LEVEL SECURITY;
ALTER TABLE stock_movement FORCE ROW LEVEL SECURITY;
CREATE POLICY stock_movement_staff ON stock_movement USING (current_setting('app.role', true) = 'all');
CREATE POLICY stock_movement_seller ON stock_movement
    USING (seller_id = NULLIF(current_setting('app.seller_id', true), '')::uuid);

-- migrate:down

DROP TABLE stock_movement;
DROP FUNCTION refuse_change();
DROP TABLE cancelled_line;
DROP TABLE reservation_line;
DROP TABLE reservation;
DROP TABLE stock_item;
DROP TABLE stock_location;
DROP TABLE variant_stock;
DROP TABLE variant_owner;
