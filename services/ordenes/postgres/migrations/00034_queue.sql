-- +goose Up

-- The queue of the orders in a state, home delivery first, then the oldest.
create index orden_queue on orden (estado, (not domicilio), id);
