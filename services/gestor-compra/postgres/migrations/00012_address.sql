-- +goose Up

-- Where a purchase goes (docs/adr/personal-data.md): to the address of a home delivery, or to the shop where it is picked up. A purchase of the
-- earlier system has neither. Only the detail of one purchase reads direccion; no list, event or workflow has it.
alter table compra add column direccion jsonb;
alter table compra add column tienda text not null default '';
