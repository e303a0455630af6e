-- +goose Up
-- The reconciler looks for those that wait for an operator longer than one may.
create index compra_por_aprobar on compra (actualizada_en) where estado = 'POR_APROBAR';

-- +goose Down
drop index compra_por_aprobar;
