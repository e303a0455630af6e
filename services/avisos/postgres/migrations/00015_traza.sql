-- +goose Up
-- The traceparent of what the delivery or the mail is about, and of the operator who had it made again: docs/adr/one-trace-a-purchase.md.
alter table entrega add traza text not null default '', add traza_de_repeticion text not null default '';
alter table correo add traza text not null default '', add traza_de_repeticion text not null default '';
