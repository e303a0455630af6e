-- +goose Up
create table orden (
	id             uuid primary key, -- UUIDv7: newer ones sort after older ones
	id_compra      text not null unique,
	id_usuario     text not null,
	productos      jsonb not null,
	domicilio      boolean not null,
	estado         text not null check (estado in ('CREADA', 'CANCELADA', 'DESPACHADA')),
	creada_en      timestamptz not null default now(),
	actualizada_en timestamptz not null default now()
);
create index on orden (id_usuario, id);
create index on orden (id_usuario) where estado = 'CREADA'; -- how many a customer has open

-- Events that a REST call caused and that the broker does not have yet (docs/adr/who-owns-a-fact-decides.md).
create table outbox (
	id        bigint generated always as identity primary key,
	id_compra text not null,
	tipo      text not null,
	data      jsonb not null,
	traza     text not null, -- W3C trace context of the call, may be empty
	creado_en timestamptz not null default now()
);

-- Commands that were answered, with the answer (package inbox).
create table inbox (
	id_compra   text not null,
	tipo        text not null,
	huella      text not null,
	respuesta   jsonb not null,
	recibido_en timestamptz not null default now(),
	primary key (id_compra, tipo)
);
create index on inbox (recibido_en);

-- Failed tries of messages (package inbox).
create table intento (
	registro text primary key,
	veces    int not null,
	ultimo   timestamptz not null default now()
);
