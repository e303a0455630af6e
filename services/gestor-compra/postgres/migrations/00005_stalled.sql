-- +goose Up

-- A saga that stands still is started again: docs/adr/stalled-sagas.md. A step that waits for its reply says that it is alive.
alter table paso add column alive_at timestamptz;
alter table compra add column replacements int not null default 0;
alter table compra add column replaced_at timestamptz;
alter table compra add column replacement_asked boolean not null default false; -- by an operator
create index compra_replacement_asked on compra (id) where replacement_asked;

-- +goose Down
drop index compra_replacement_asked;
alter table compra drop column replacement_asked, drop column replaced_at, drop column replacements;
alter table paso drop column alive_at;
