-- +goose Up
-- An address to which the changes of purchases are delivered.
create table direccion (
	id               uuid primary key, -- UUIDv7: it sorts by the time of creation
	url              text not null,
	descripcion      text not null,
	estados          text[] not null, -- deliver only changes to these; empty means all
	activa           boolean not null default true,
	activa_desde     timestamptz not null default now(), -- earlier changes are not delivered
	motivo           text not null default '', -- why the service itself paused it
	secreto          text not null, -- whsec_…, empty once the address is deleted
	secreto_anterior text not null default '',
	anterior_hasta   timestamptz not null default '-infinity', -- until then deliveries are signed with secreto_anterior too
	borrada_en       timestamptz, -- the purge deletes its deliveries, then the row
	creada_en        timestamptz not null default now(),
	actualizada_en   timestamptz not null default now()
);

-- An event on its way to one address. The unique key is the inbox of the events: a second copy of an event adds no row.
create table entrega (
	id             uuid primary key, -- UUIDv7: it sorts by the time of creation
	id_direccion   uuid not null references direccion,
	evento         text not null, -- the webhook-id
	tipo           text not null,
	id_compra      text not null, -- empty for a test
	cuerpo         text not null, -- the signed bytes
	estado         text not null default 'PENDIENTE' check (estado in ('PENDIENTE', 'ENTREGADA', 'MUERTA')),
	intentos       int not null default 0,
	proximo_en     timestamptz not null default now(), -- while a try is under way: the end of its lease
	codigo_http    int not null default 0,
	error          text not null default '',
	creada_en      timestamptz not null default now(),
	actualizada_en timestamptz not null default now(),
	unique (id_direccion, evento)
);
create index on entrega (id_direccion, proximo_en) where estado = 'PENDIENTE';
create index on entrega (id_direccion, id) where estado = 'MUERTA';
create index on entrega (id_direccion, id);
create index on entrega (id_compra, id);
create index on entrega (actualizada_en) where estado <> 'PENDIENTE'; -- for the purge

-- The failed tries of each message: docs/adr/trouble-is-not-a-bad-message.md.
create table attempt (
	record_id text primary key,
	tries     int not null,
	last_at   timestamptz not null default now()
);
