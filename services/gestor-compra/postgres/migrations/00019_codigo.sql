-- +goose NO TRANSACTION

-- The short code of each purchase, as contracts.NewCodigo makes it. A purchase of before has none, nor one that a replica of before accepts
-- during a rollout: Store.FillCodigos gives them theirs later, a few at a time, so that no purchase waits for this migration.

-- +goose Up
alter table compra add if not exists codigo text not null default '';
-- An index whose build was interrupted stays and is invalid: the statement before each index drops it.
drop index concurrently if exists compra_by_codigo;
create unique index concurrently compra_by_codigo on compra (codigo) where codigo <> '';
drop index concurrently if exists compra_without_codigo;
create index concurrently compra_without_codigo on compra (id) where codigo = '';
