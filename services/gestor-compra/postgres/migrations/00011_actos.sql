-- +goose Up

-- The person behind each of these: docs/adr/who-did-it.md. Empty for the system itself, and for what was done before this migration.
alter table historia add sujeto text not null default '', add rol text not null default '';
alter table decision add sujeto text not null default '', add rol text not null default '';
alter table tramite add sujeto text not null default '', add rol text not null default '';
alter table cancelacion_anticipada add sujeto text not null default '', add rol text not null default '';
-- Who made the request that cancelacion_pedida is the reason of.
alter table compra add cancelacion_sujeto text not null default '', add cancelacion_rol text not null default '';

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
