-- +goose Up

-- Where an order goes (docs/adr/personal-data.md): to the address of a home delivery, or to the shop where it is picked up. Only the detail of
-- one order, and what the warehouse prints, read direccion.
alter table orden add column direccion jsonb;
alter table orden add column tienda text not null default '';
-- The zone of an order, by which the warehouse sorts: the city of its address, or its shop.
alter table orden add column zona text not null generated always as (coalesce(lower(direccion->>'ciudad'), tienda)) stored;
