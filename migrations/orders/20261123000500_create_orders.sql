-- migrate:up

-- Local copies of foreign facts, kept by events. What two events tell independently has a version of its own, so that
-- they may come in any order.
CREATE TABLE product_fact (
    product_id uuid PRIMARY KEY,
    seller_id uuid NOT NULL,
    title text NOT NULL,
    title_version bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('UNPUBLISHED', 'PUBLISHED', 'ARCHIVED')),
    status_version bigint NOT NULL
);

CREATE TABLE variant_fact (
    variant_id uuid PRIMARY KEY,
    product_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    -- Told by variant.created alone: null while only a price is known.
    sku text,
    title text,
    price bigint NOT NULL CHECK (price >= 0),
    currency text NOT NULL,
    price_version bigint NOT NULL
);

CREATE TABLE seller_fact (
    seller_id uuid PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('ACTIVE', 'SUSPENDED')),
    version bigint NOT NULL,
    -- What held when the seller was approved; a rule that was told since comes first.
    commission_bps integer CHECK (commission_bps BETWEEN 0 AND 10000),
    commission_version bigint NOT NULL
);

-- One row a seller with a rule of its own; the nil UUID stands for the default of all others.
CREATE TABLE commission_rule_fact (
    applies_to uuid PRIMARY KEY,
    rate_bps integer NOT NULL CHECK (rate_bps BETWEEN 0 AND 10000),
    version bigint NOT NULL
);

CREATE TABLE cart (
    id uuid PRIMARY KEY,
    -- A cart has an owner: a user, or whoever holds the token of which this is the SHA-256.
    user_id uuid,
    token_hash text UNIQUE,
    status text NOT NULL CHECK (status IN ('OPEN', 'CHECKED_OUT', 'MERGED')),
    currency text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK ((user_id IS NULL) <> (token_hash IS NULL))
);
CREATE UNIQUE INDEX cart_open_of_user ON cart (user_id) WHERE status = 'OPEN';

CREATE TABLE cart_line (
    id uuid PRIMARY KEY,
    cart_id uuid NOT NULL REFERENCES cart (id) ON DELETE CASCADE,
    variant_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 999),
    -- The price that the buyer has seen and accepted: checkout refuses any other.
    seen_price bigint NOT NULL CHECK (seen_price >= 0),
    added_at timestamptz NOT NULL,
    UNIQUE (cart_id, variant_id)
);

CREATE TABLE order_group (
    id uuid PRIMARY KEY,
    -- A cart is checked out once, whatever goes wrong above this line.
    cart_id uuid NOT NULL UNIQUE REFERENCES cart (id),
    buyer_id uuid NOT NULL,
    status text NOT NULL
        CHECK (status IN ('RESERVING', 'AWAITING_PAYMENT', 'PAID', 'CONFIRMED', 'CANCELLED', 'EXPIRED')),
    cancel_reason text CHECK (cancel_reason IN ('OUT_OF_STOCK', 'PAYMENT_FAILED', 'BUYER', 'SELLER')),
    currency text NOT NULL,
    subtotal bigint NOT NULL CHECK (subtotal >= 0),
    discount bigint NOT NULL CHECK (discount >= 0),
    shipping bigint NOT NULL CHECK (shipping >= 0),
    tax bigint NOT NULL CHECK (tax >= 0),
    total bigint NOT NULL CHECK (total >= 0),
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND total),
    payment_attempts integer NOT NULL DEFAULT 0,
    payment_id uuid,
    reservation_id uuid,
    expires_at timestamptz NOT NULL,
    placed_at timestamptz NOT NULL,
    paid_at timestamptz,
    -- Facts that change no state: kept to answer what became of the money and the stock of a dead group.
    late_payment_id uuid,
    payment_voided_at timestamptz,
    stock_released_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK (total = subtotal - discount + shipping + tax),
    CHECK ((status = 'CANCELLED') = (cancel_reason IS NOT NULL)),
    CHECK (status NOT IN ('PAID', 'CONFIRMED') OR (payment_id IS NOT NULL AND paid_at IS NOT NULL))
);
CREATE INDEX order_group_buyer ON order_group (buyer_id, placed_at DESC, id DESC);
CREATE INDEX order_group_deadline ON order_group (expires_at) WHERE status IN ('RESERVING', 'AWAITING_PAYMENT');
CREATE INDEX order_group_status ON order_group (status, placed_at);

CREATE TABLE customer_order (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES order_group (id),
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('PLACED', 'CONFIRMED', 'SHIPPED', 'DELIVERED', 'CANCELLED')),
    cancel_reason text
        CHECK (cancel_reason IN ('OUT_OF_STOCK', 'PAYMENT_FAILED', 'BUYER', 'SELLER', 'EXPIRED')),
    currency text NOT NULL,
    subtotal bigint NOT NULL CHECK (subtotal >= 0),
    discount bigint NOT NULL CHECK (discount >= 0),
    shipping bigint NOT NULL CHECK (shipping >= 0),
    tax bigint NOT NULL CHECK (tax >= 0),
    total bigint NOT NULL CHECK (total >= 0),
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND total),
    placed_at timestamptz NOT NULL,
    paid_at timestamptz,
    delivered_at timestamptz,
    restocked_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    UNIQUE (group_id, seller_id),
    CHECK (total = subtotal - discount + shipping + tax),
    CHECK ((status = 'CANCELLED') = (cancel_reason IS NOT NULL)),
    CHECK (status NOT IN ('CONFIRMED', 'SHIPPED', 'DELIVERED') OR paid_at IS NOT NULL)
);
CREATE INDEX customer_order_buyer ON customer_order (buyer_id, placed_at DESC, id DESC);
CREATE INDEX customer_order_seller ON customer_order (seller_id, placed_at DESC, id DESC);
CREATE INDEX customer_order_seller_status ON customer_order (seller_id, status, placed_at DESC, id DESC);

-- Frozen at checkout: price, commission and what the thing was called.
CREATE TABLE order_line (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES customer_order (id),
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    position integer NOT NULL,
    product_id uuid NOT NULL,
    variant_id uuid NOT NULL,
    sku text NOT NULL,
    title text NOT NULL,
    variant_title text NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    unit_price bigint NOT NULL CHECK (unit_price >= 0),
    discount bigint NOT NULL CHECK (discount >= 0),
    total bigint NOT NULL CHECK (total >= 0),
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND total),
    commission_bps integer NOT NULL CHECK (commission_bps BETWEEN 0 AND 10000),
    shipped integer NOT NULL DEFAULT 0 CHECK (shipped BETWEEN 0 AND quantity),
    UNIQUE (order_id, position),
    CHECK (total = unit_price * quantity - discount)
);

CREATE TABLE shipment (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES customer_order (id),
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    carrier text NOT NULL,
    tracking_code text NOT NULL,
    shipped_at timestamptz NOT NULL
);
CREATE INDEX shipment_order ON shipment (order_id, shipped_at, id);

CREATE TABLE shipment_line (
    shipment_id uuid NOT NULL REFERENCES shipment (id),
    line_id uuid NOT NULL REFERENCES order_line (id),
    quantity integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (shipment_id, line_id)
);

-- Each refund once, whatever event told of it.
CREATE TABLE refund_fact (
    refund_id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES order_group (id),
    order_id uuid REFERENCES customer_order (id),
    amount bigint NOT NULL CHECK (amount >= 0),
    refunded_at timestamptz NOT NULL
);
CREATE INDEX refund_fact_group ON refund_fact (group_id);

-- What came before the state that it needs.
CREATE TABLE parked_event (
    event_id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES order_group (id),
    event_name text NOT NULL,
    occurred_at timestamptz NOT NULL,
    payload jsonb NOT NULL
);
CREATE INDEX parked_event_group ON parked_event (group_id);

-- The history of every group and order: only legal steps, no state entered twice and none left twice. So two steps from
-- one state can never both commit, even if somebody forgets the row lock above this line.
CREATE TABLE state_transition (
    id uuid PRIMARY KEY,
    -- The order of the steps: one unit of work may take several in the same moment.
    position bigint GENERATED ALWAYS AS IDENTITY,
    group_id uuid NOT NULL REFERENCES order_group (id),
    -- Null: the group itself moved.
    order_id uuid REFERENCES customer_order (id),
    buyer_id uuid NOT NULL,
    seller_id uuid,
    from_status text,
    to_status text NOT NULL,
    cause text NOT NULL,
    actor_id uuid,
    event_id uuid,
    at timestamptz NOT NULL,
    CHECK ((order_id IS NULL) = (seller_id IS NULL)),
    CONSTRAINT legal_group_transition CHECK (
        order_id IS NOT NULL
        OR COALESCE(from_status, '-') || '>' || to_status IN (
            '->RESERVING',
            'RESERVING>AWAITING_PAYMENT', 'RESERVING>CANCELLED', 'RESERVING>EXPIRED',
            'AWAITING_PAYMENT>PAID', 'AWAITING_PAYMENT>CANCELLED', 'AWAITING_PAYMENT>EXPIRED',
            'PAID>CONFIRMED'
        )
    ),
    CONSTRAINT legal_order_transition CHECK (
        order_id IS NULL
        OR COALESCE(from_status, '-') || '>' || to_status IN (
            '->PLACED', 'PLACED>CONFIRMED', 'PLACED>CANCELLED', 'CONFIRMED>SHIPPED', 'CONFIRMED>CANCELLED',
            'SHIPPED>DELIVERED'
        )
    )
);
CREATE UNIQUE INDEX group_enters_once ON state_transition (group_id, to_status) WHERE order_id IS NULL;
CREATE UNIQUE INDEX group_leaves_once ON state_transition (group_id, from_status) WHERE order_id IS NULL;
CREATE UNIQUE INDEX order_enters_once ON state_transition (order_id, to_status) WHERE order_id IS NOT NULL;
CREATE UNIQUE INDEX order_leaves_once ON state_transition (order_id, from_status) WHERE order_id IS NOT NULL;

-- Nothing that was ordered is ever deleted, and history is not rewritten, whatever the code above does.
REVOKE DELETE ON order_group, customer_order, order_line, shipment, shipment_line, refund_fact FROM orders;
REVOKE UPDATE, DELETE ON state_transition FROM orders;

-- The second wall. A guest's cart has no owner to compare: its token is the key. A group spans sellers, so it is the
-- buyer's alone; an order is its buyer's and its seller's.
ALTER TABLE cart ENABLE ROW LEVEL SECURITY;
ALTER TABLE cart FORCE ROW LEVEL SECURITY;
CREATE POLICY cart_staff ON cart USING (current_setting('app.role', true) = 'all');
CREATE POLICY cart_owner ON cart
    USING (user_id IS NULL OR user_id = NULLIF(current_setting('app.user_id', true), '')::uuid);

ALTER TABLE cart_line ENABLE ROW LEVEL SECURITY;
ALTER TABLE cart_line FORCE ROW LEVEL SECURITY;
CREATE POLICY cart_line_of_visible_cart ON cart_line
    USING (EXISTS (SELECT 1 FROM cart WHERE cart.id = cart_line.cart_id));

ALTER TABLE order_group ENABLE ROW LEVEL SECURITY;
ALTER TABLE order_group FORCE ROW LEVEL SECURITY;
CREATE POLICY order_group_staff ON order_group USING (current_setting('app.role', true) = 'all');
CREATE POLICY order_group_buyer ON order_group
    USING (buyer_id = NULLIF(current_setting('app.user_id', true), '')::uuid);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['customer_order', 'order_line', 'shipment', 'state_transition'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY %I ON %I USING (current_setting(''app.role'', true) = ''all'')', name || '_staff', name
        );
        EXECUTE format(
            'CREATE POLICY %I ON %I USING (buyer_id = NULLIF(current_setting(''app.user_id'', true), '''')::uuid)',
            name || '_buyer', name
        );
        EXECUTE format(
            'CREATE POLICY %I ON %I USING (seller_id = NULLIF(current_setting(''app.seller_id'', true), '''')::uuid)',
            name || '_seller', name
        );
    END LOOP;
END
$$;

ALTER TABLE shipment_line ENABLE ROW LEVEL SECURITY;
ALTER TABLE shipment_line FORCE ROW LEVEL SECURITY;
CREATE POLICY shipment_line_of_visible_shipment ON shipment_line
    USING (EXISTS (SELECT 1 FROM shipment WHERE shipment.id = shipment_line.shipment_id));

-- migrate:down

DROP TABLE state_transition;
DROP TABLE parked_event;
DROP TABLE refund_fact;
DROP TABLE shipment_line;
DROP TABLE shipment;
DROP TABLE order_line;
DROP TABLE customer_order;
DROP TABLE order_group;
DROP TABLE cart_line;
DROP TABLE cart;
DROP TABLE commission_rule_fact;
DROP TABLE seller_fact;
DROP TABLE variant_fact;
DROP TABLE product_fact;
