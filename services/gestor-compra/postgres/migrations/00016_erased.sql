-- +goose Up

-- When the personal data of the purchase was erased: docs/adr/erased-personal-data.md.
alter table compra add column borrada_en timestamptz;
