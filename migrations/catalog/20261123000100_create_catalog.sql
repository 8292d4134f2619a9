-- migrate:up

-- How text is compared in searches: without case and accents. Stated immutable, which unaccent is once its dictionary is named.
CREATE FUNCTION fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(extensions.unaccent('extensions.unaccent'::regdictionary, value));

-- Which sellers may sell: kept by seller.approved, seller.suspended and seller.reinstated.
CREATE TABLE seller_fact (
    seller_id uuid PRIMARY KEY,
    active boolean NOT NULL,
    version bigint NOT NULL
);

-- How much of a variant can be bought: kept by inventory.stock_changed.
CREATE TABLE stock_fact (
    variant_id uuid PRIMARY KEY,
    product_id uuid NOT NULL,
    available bigint NOT NULL CHECK (available >= 0),
    version bigint NOT NULL
);
CREATE INDEX stock_fact_product ON stock_fact (product_id) WHERE available > 0;

-- What buyers think of a product: kept by review.published. Sums, not averages: they stay exact.
CREATE TABLE rating_fact (
    product_id uuid PRIMARY KEY,
    count bigint NOT NULL CHECK (count >= 0),
    sum bigint NOT NULL CHECK (sum >= 0),
    version bigint NOT NULL
);

-- `path` holds the ids from the root down to the category itself, so that a subtree is one prefix.
CREATE TABLE category (
    id uuid PRIMARY KEY,
    parent_id uuid REFERENCES category,
    name text NOT NULL CHECK (name <> ''),
    slug text NOT NULL UNIQUE,
    path text NOT NULL UNIQUE,
    depth smallint NOT NULL CHECK (depth BETWEEN 1 AND 6),
    attributes jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL,
    CHECK ((parent_id IS NULL) = (depth = 1)),
    CHECK (path LIKE '%/' || id || '/')
);
CREATE INDEX category_parent ON category (parent_id, name, id);
CREATE INDEX category_path ON category (path text_pattern_ops);

-- price_min, price_max, in_stock, rating and seller_active follow the variants and the facts above: lists sort and filter by them.
CREATE TABLE product (
    id uuid PRIMARY KEY,
    seller_id uuid NOT NULL,
    category_id uuid REFERENCES category,
    title text NOT NULL CHECK (title <> ''),
    description text NOT NULL,
    status text NOT NULL CHECK (status IN ('DRAFT', 'SUBMITTED', 'PUBLISHED', 'REJECTED', 'ARCHIVED')),
    rejection_reason text,
    attributes jsonb NOT NULL DEFAULT '[]',
    media jsonb NOT NULL DEFAULT '[]',
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    price_min bigint NOT NULL CHECK (price_min > 0),
    price_max bigint NOT NULL,
    in_stock boolean NOT NULL DEFAULT false,
    rating integer NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 500),
    seller_active boolean NOT NULL,
    version bigint NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    published_at timestamptz,
    CHECK (price_min <= price_max),
    CHECK (status <> 'PUBLISHED' OR published_at IS NOT NULL),
    UNIQUE (id, seller_id, currency)
);
CREATE INDEX product_listed_newest ON product (created_at, id) WHERE status = 'PUBLISHED' AND seller_active;
CREATE INDEX product_listed_price_min ON product (price_min, id) WHERE status = 'PUBLISHED' AND seller_active;
CREATE INDEX product_listed_title ON product (title, id) WHERE status = 'PUBLISHED' AND seller_active;
CREATE INDEX product_listed_rating ON product (rating, id) WHERE status = 'PUBLISHED' AND seller_active;
CREATE INDEX product_category ON product (category_id, created_at, id) WHERE status = 'PUBLISHED' AND seller_active;
CREATE INDEX product_seller ON product (seller_id, created_at, id);
CREATE INDEX product_status ON product (status, created_at, id);

-- The composite key says in the schema that a variant has its product's seller and currency.
CREATE TABLE variant (
    id uuid PRIMARY KEY,
    product_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    sku text NOT NULL CHECK (sku <> ''),
    title text NOT NULL,
    price bigint NOT NULL CHECK (price > 0),
    currency text NOT NULL,
    position smallint NOT NULL CHECK (position BETWEEN 1 AND 100),
    version bigint NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    UNIQUE (seller_id, sku),
    UNIQUE (product_id, position),
    FOREIGN KEY (product_id, seller_id, currency) REFERENCES product (id, seller_id, currency)
);

-- Only what is public lies here, so it needs no row-level security: that barrier would keep searches off these indexes,
-- because text operators are not leakproof.
CREATE TABLE product_search (
    product_id uuid PRIMARY KEY REFERENCES product,
    title text NOT NULL,
    document tsvector NOT NULL
);
-- A list of pending entries would make each search slower to make each publication faster: the wrong way round.
CREATE INDEX product_search_document ON product_search USING gin (document) WITH (fastupdate = off);
CREATE INDEX product_search_title ON product_search USING gin (title extensions.gin_trgm_ops) WITH (fastupdate = off);

-- The second wall: what was published is public, also once archived, since orders and reviews point at it;
-- all else is the seller's and staff's.
ALTER TABLE product ENABLE ROW LEVEL SECURITY;
ALTER TABLE product FORCE ROW LEVEL SECURITY;
CREATE POLICY product_staff ON product USING (current_setting('app.role', true) = 'all');
CREATE POLICY product_public ON product FOR SELECT
    USING (status = 'PUBLISHED' OR (status = 'ARCHIVED' AND published_at IS NOT NULL));
CREATE POLICY product_seller ON product
    USING (seller_id = NULLIF(current_setting('app.seller_id', true), '')::uuid);

-- A variant is seen by whoever sees its product.
ALTER TABLE variant ENABLE ROW LEVEL SECURITY;
ALTER TABLE variant FORCE ROW LEVEL SECURITY;
CREATE POLICY variant_staff ON variant USING (current_setting('app.role', true) = 'all');
CREATE POLICY variant_public ON variant FOR SELECT
    USING (EXISTS (SELECT 1 FROM product WHERE product.id = variant.product_id));
CREATE POLICY variant_seller ON variant
    USING (seller_id = NULLIF(current_setting('app.seller_id', true), '')::uuid);

-- migrate:down

DROP TABLE product_search;
DROP TABLE variant;
DROP TABLE product;
DROP TABLE category;
DROP TABLE rating_fact;
DROP TABLE stock_fact;
DROP TABLE seller_fact;
DROP FUNCTION fold(text);
