-- +goose Up

-- The code by which people name the purchase. The orders of before have none here.
alter table orden add codigo text not null default '';
