-- +goose NO TRANSACTION

-- The list of purchases for operators, by units and by total. The indexes are built while purchases are written (see 00014_search.sql).

-- +goose Up
-- unidades_de is the sum of the quantities in the lines of a purchase. The lines of a purchase never change.
create or replace function unidades_de(productos jsonb) returns bigint language sql immutable strict parallel safe
    return (select coalesce(sum((l ->> 'cantidad')::bigint), 0)::bigint from jsonb_array_elements(productos) l);
drop index concurrently if exists compra_by_unidades;
create index concurrently compra_by_unidades on compra (unidades_de(productos) desc, id desc);
drop index concurrently if exists compra_by_total;
create index concurrently compra_by_total on compra (total desc, id desc);
