-- migrate:up

-- Movements are history, and stock that is held or was held does not vanish, whatever the code says.
-- allow narrows-table: the code of the last release does nothing of the kind
REVOKE DELETE ON stock_item, stock_location, reservation, reservation_line FROM inventory;
-- allow narrows-table: the code of the last release does nothing of the kind
REVOKE UPDATE, DELETE ON stock_movement, cancelled_line FROM inventory;

-- migrate:down

GRANT DELETE ON stock_item, stock_location, reservation, reservation_line TO inventory;
GRANT UPDATE, DELETE ON stock_movement, cancelled_line TO inventory;
