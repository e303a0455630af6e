-- +goose NO TRANSACTION

-- What waits by its age, and what failed, for the gauges. The indexes are built while deliveries are written. An index was interrupted if
-- it is invalid: the statement before drops it.

-- +goose Up
drop index concurrently if exists entrega_waiting_by_age;
create index concurrently entrega_waiting_by_age on entrega (creada_en) where estado = 'PENDIENTE';
drop index concurrently if exists entrega_failing;
create index concurrently entrega_failing on entrega (id_direccion) where estado = 'PENDIENTE' and (error <> '' or codigo_http >= 300);
drop index concurrently if exists correo_waiting_by_age;
create index concurrently correo_waiting_by_age on correo (creado_en) where estado = 'PENDIENTE';
drop index concurrently if exists correo_failing;
create index concurrently correo_failing on correo (id) where estado = 'PENDIENTE' and error <> '';
