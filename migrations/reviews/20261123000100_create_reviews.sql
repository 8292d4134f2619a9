-- migrate:up

-- Who bought what and received it: kept by order.delivered, the right to review.
CREATE TABLE delivered_line (
    line_id uuid PRIMARY KEY,
    buyer_id uuid NOT NULL,
    product_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    delivered_at timestamptz NOT NULL
);
CREATE INDEX delivered_line_buyer_product ON delivered_line (buyer_id, product_id);

CREATE TABLE review (
    id uuid PRIMARY KEY,
    product_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    author_id uuid NOT NULL,
    rating smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    title text NOT NULL,
    body text NOT NULL,
    status text NOT NULL CHECK (status IN ('PENDING', 'PUBLISHED', 'REJECTED')),
    reply text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    UNIQUE (author_id, product_id)
);
CREATE INDEX review_product ON review (product_id, created_at DESC, id DESC) WHERE status = 'PUBLISHED';
CREATE INDEX review_status ON review (status, created_at, id);
CREATE INDEX review_seller ON review (seller_id, created_at);

-- Sums, not averages: they stay exact however often they change.
CREATE TABLE product_rating (
    product_id uuid PRIMARY KEY,
    seller_id uuid NOT NULL,
    count bigint NOT NULL CHECK (count >= 0),
    sum bigint NOT NULL CHECK (sum >= 0),
    version bigint NOT NULL
);
CREATE INDEX product_rating_seller ON product_rating (seller_id);

-- The second wall: published reviews are public, the rest is the author's, the seller's and staff's.
ALTER TABLE review ENABLE ROW LEVEL SECURITY;
ALTER TABLE review FORCE ROW LEVEL SECURITY;
CREATE POLICY review_staff ON review USING (current_setting('app.role', true) = 'all');
CREATE POLICY review_public ON review FOR SELECT USING (status = 'PUBLISHED');
CREATE POLICY review_author_reads ON review FOR SELECT
    USING (author_id = NULLIF(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY review_author_writes ON review FOR INSERT
    WITH CHECK (author_id = NULLIF(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY review_seller ON review
    USING (seller_id = NULLIF(current_setting('app.seller_id', true), '')::uuid);

-- migrate:down

DROP TABLE product_rating;
DROP TABLE review;
DROP TABLE delivered_line;
