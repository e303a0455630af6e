-- +goose Up
-- The order in which waiting purchases start (docs/adr/fair-admission.md): by lane and age. The few that were given out and
-- have not started are found by themselves.
drop index compra_recibida;
create index compra_recibida on compra (domicilio, creada_en, id) where estado = 'RECIBIDA';
create index compra_arrendada on compra (arriendo_hasta) where estado = 'RECIBIDA' and arriendo_hasta is not null;

-- How many purchases a customer has open.
create index compra_abierta on compra (id_usuario)
    where estado in ('RECIBIDA', 'INICIADA', 'PRODUCTOS_VALIDOS', 'PRODUCTOS_RESERVADOS', 'POR_APROBAR', 'COMPENSANDO', 'CONFIRMADA');

-- +goose Down
drop index compra_abierta, compra_arrendada, compra_recibida;
create index compra_recibida on compra (creada_en) where estado = 'RECIBIDA';
