-- migrate:up

-- Movements are history, and stock that is held or was held does not vanish, whatever the code says.
REVOKE DELETE ON stock_item, stock_location, reservation, reservation_line FROM inventory;
REVOKE UPDATE, DELETE ON stock_movement, cancelled_line FROM inventory;

-- migrate:down

GRANT DELETE ON stock_item, stock_location, reservation, reservation_line TO inventory;
GRANT UPDATE, DELETE ON stock_movement, cancelled_line TO inventory;
