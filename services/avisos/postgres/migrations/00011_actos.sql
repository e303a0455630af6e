-- +goose Up

-- What persons did: docs/adr/who-did-it.md.
create table acto (
	id        uuid primary key, -- UUIDv7
	tipo      text not null,
	sujeto    text not null, -- empty where nobody named the person
	rol       text not null,
	objeto    text not null,
	id_compra text not null default '',
	motivo    text not null default '',
	detalle   text not null default '',
	en        timestamptz not null default date_trunc('milliseconds', clock_timestamp()) -- as exact as a cursor
);
create index acto_by_en on acto (en desc, id desc);
create index acto_by_sujeto on acto (sujeto, en desc, id desc);
create index acto_by_objeto on acto (objeto);
create index acto_by_compra on acto (id_compra) where id_compra <> '';
