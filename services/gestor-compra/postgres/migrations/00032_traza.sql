-- +goose Up

-- traceparent of the request with which a purchase, a decision or a tramite came; empty for those of before:
-- docs/adr/one-trace-a-purchase.md. A migrated database has no rows to rewrite: a constant default is stored once.
alter table compra add traza text not null default '', add cancelacion_traza text not null default '';
alter table decision add traza text not null default '';
alter table tramite add traza text not null default '';
