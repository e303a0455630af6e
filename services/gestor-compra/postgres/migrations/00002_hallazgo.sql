-- +goose Up
-- What the reconciler found: a purchase whose workflow was lost or stood still. Empty while nothing loses its disk.
create table hallazgo (
    id_compra text not null,
    que       text not null,
    hecho     text not null,
    en        timestamptz not null default clock_timestamp(),
    primary key (id_compra, que)
);

-- +goose Down
drop table hallazgo;
