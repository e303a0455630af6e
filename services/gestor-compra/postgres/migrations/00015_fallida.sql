-- +goose Up

-- An operator looks for the purchases that could not be rolled back.
create index compra_fallida on compra (id) where estado = 'FALLIDA';
