-- +goose Up
create table orden (
	id             uuid primary key, -- UUIDv7: it sorts by the time of creation
	id_compra      text not null unique,
	id_usuario     text not null,
	productos      jsonb not null,
	domicilio      boolean not null,
	estado         text not null check (estado in ('CREADA', 'CANCELADA', 'DESPACHADA')),
	creada_en      timestamptz not null default now(),
	actualizada_en timestamptz not null default now()
);
create index on orden (id_usuario, id);
create index on orden (id_usuario) where estado = 'CREADA'; -- the open orders of a customer

-- The events of REST calls that are still to be published: each is published twice (docs/adr/told-twice.md).
create table outbox (
	id            bigint generated always as identity primary key,
	id_compra     text not null,
	tipo          text not null,
	data          jsonb not null,
	traceparent   text not null, -- W3C trace context of the call; may be empty
	created_at    timestamptz not null default now(),
	tell_again_at timestamptz -- when the event is published for the second time; null before the first
);
create index on outbox (id_compra);

-- The commands that were answered, and their replies: docs/adr/stored-replies.md.
create table inbox (
	id_compra   text not null,
	tipo        text not null,
	fingerprint text not null, -- of the command's data: the same command with other data is refused
	reply       jsonb not null,
	received_at timestamptz not null default now(),
	primary key (id_compra, tipo)
);
create index on inbox (received_at);

-- The failed tries of each message: docs/adr/trouble-is-not-a-bad-message.md.
create table attempt (
	record_id text primary key,
	tries     int not null,
	last_at   timestamptz not null default now()
);
