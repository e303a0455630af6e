-- +goose Up
-- What the reconciler found: units reserved for a purchase that ended otherwise. Empty while nobody breaks anything by hand.
create table hallazgo (
	id_compra text not null,
	que       text not null,
	hecho     text not null,
	en        timestamptz not null default now(),
	primary key (id_compra, que)
);

-- +goose Down
drop table hallazgo;
