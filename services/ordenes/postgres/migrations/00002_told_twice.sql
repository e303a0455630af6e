-- +goose Up
-- When an event is told for the second and last time; null where it was never told (docs/adr/told-twice.md).
alter table outbox add column tell_again_at timestamptz;
create index on outbox (id_compra);

-- +goose Down
drop index outbox_id_compra_idx;
alter table outbox drop column tell_again_at;
