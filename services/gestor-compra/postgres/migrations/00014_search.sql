-- +goose NO TRANSACTION

-- The indexes of the list of purchases for operators, and of the summary. They are built while purchases are written, so each statement is a
-- transaction of its own. An index whose build was interrupted stays and is invalid: the statement before each index drops it.

-- +goose Up
drop index concurrently if exists compra_by_actualizada;
create index concurrently compra_by_actualizada on compra (actualizada_en desc, id desc);
drop index concurrently if exists compra_by_estado;
create index concurrently compra_by_estado on compra (estado, creada_en desc, id desc);
drop index concurrently if exists compra_by_orden;
create index concurrently compra_by_orden on compra (id_orden) where id_orden <> '';
-- Without fastupdate, since a list of waiting entries is written out all at once, by the one purchase that makes it too long.
drop index concurrently if exists compra_by_producto;
create index concurrently compra_by_producto on compra using gin (productos jsonb_path_ops) with (fastupdate = off);
-- What purchases came to. It has the instants of CONFIRMADA too, and so replaces their own index.
drop index concurrently if exists historia_outcome;
create index concurrently historia_outcome on historia (en, paso, id_compra)
    where paso in ('CONFIRMADA', 'DESPACHADA', 'COMPENSANDO', 'RECHAZADA', 'CANCELADA', 'FALLIDA');
drop index concurrently if exists historia_confirmada;
