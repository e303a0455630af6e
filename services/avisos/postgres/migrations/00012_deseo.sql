-- +goose Up
-- A customer's wish to be told once there are so many units of a product. It is personal data: docs/adr/erased-personal-data.md.
create table deseo (
	id_usuario  text not null,
	id_producto text not null,
	cantidad    int not null check (cantidad > 0),
	nombre      text not null default '', -- of the product, when the wish was fulfilled
	pedido_en   timestamptz not null default date_trunc('milliseconds', now()),
	avisado_en  timestamptz, -- null while the wish waits
	primary key (id_usuario, id_producto)
);
create index deseo_open on deseo (id_producto, cantidad) where avisado_en is null;
create index deseo_waiting on deseo (pedido_en) where avisado_en is null; -- for the purge
create index deseo_ended on deseo (avisado_en) where avisado_en is not null; -- for the purge
