-- +goose Up
-- The few that were given out and have not started hold a place each (docs/adr/fair-admission.md).
create index compra_arrendada on compra (arriendo_hasta) where estado = 'RECIBIDA' and arriendo_hasta is not null;

-- How many purchases a customer has open.
create index compra_abierta on compra (id_usuario)
    where estado in ('RECIBIDA', 'INICIADA', 'PRODUCTOS_VALIDOS', 'PRODUCTOS_RESERVADOS', 'POR_APROBAR', 'COMPENSANDO', 'CONFIRMADA');

-- +goose Down
drop index compra_abierta, compra_arrendada;
