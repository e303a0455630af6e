-- +goose Up
-- Where a customer wants the news of their purchases: the only place of an e-mail address (docs/adr/mail-by-a-binding.md).
create table contacto (
	id_usuario text primary key,
	correo     text not null,
	desde      timestamptz not null default now() -- earlier changes are not told
);

-- A mail on its way. It has no address: the sender reads that of contacto, so that a customer who takes it back gets nothing more.
-- The unique key is the inbox of the events.
create table correo (
	id             uuid primary key, -- UUIDv7, as in entrega: both are one list
	id_usuario     text not null references contacto on delete cascade,
	evento         text not null unique,
	tipo           text not null, -- compra.confirmada and so on, or producto.disponible
	id_compra      text not null default '', -- empty for a product
	codigo         text not null default '',
	faltantes      jsonb not null default '[]',
	producto       text not null default '', -- the name of the product that is back
	estado         text not null default 'PENDIENTE' check (estado in ('PENDIENTE', 'ENTREGADA', 'MUERTA')),
	intentos       int not null default 0,
	proximo_en     timestamptz not null default now(), -- while a try is under way: the end of its lease
	error          text not null default '', -- of the last try; it has no address
	creado_en      timestamptz not null default now(),
	actualizado_en timestamptz not null default now()
);
create index on correo (proximo_en) where estado = 'PENDIENTE';
create index on correo (estado, id);
create index on correo (id_compra, id);
create index on correo (id_usuario);
create index on correo (creado_en); -- for the purge
