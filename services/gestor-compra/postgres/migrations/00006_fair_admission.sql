-- +goose NO TRANSACTION
-- `concurrently`: purchases are written meanwhile (docs/adr/bounded-waits.md). An index whose build was cut off stays, invalid,
-- so each build begins by dropping it.

-- +goose Up
-- The few that were given out and have not started hold a place each (docs/adr/fair-admission.md).
drop index concurrently if exists compra_arrendada;
create index concurrently compra_arrendada on compra (arriendo_hasta) where estado = 'RECIBIDA' and arriendo_hasta is not null;

-- How many purchases a customer has open.
drop index concurrently if exists compra_abierta;
create index concurrently compra_abierta on compra (id_usuario)
    where estado not in ('DESPACHADA', 'RECHAZADA', 'CANCELADA', 'FALLIDA');

-- +goose Down
drop index concurrently if exists compra_abierta;
drop index concurrently if exists compra_arrendada;
