-- +goose Up
create table producto (
	id       text primary key,
	nombre   text not null,
	cantidad int  not null check (cantidad >= 0) -- on the shelf, without the reserved units
);

-- The reserved units. A release or a dispatch deletes their rows.
create table reserva (
	id_compra   text not null,
	id_producto text not null references producto,
	cantidad    int  not null check (cantidad > 0),
	creada_en   timestamptz not null default now(),
	primary key (id_compra, id_producto)
);
create index on reserva (id_producto);

-- The ledger. cantidad is positive for INICIAL, REPOSICION and LIBERACION, and negative for RESERVA and DESPACHO.
create table movimiento (
	id              bigint generated always as identity primary key,
	id_producto     text not null references producto,
	tipo            text not null,
	cantidad        int  not null,
	id_compra       text, -- of RESERVA, LIBERACION, DESPACHO
	idempotency_key text, -- of REPOSICION
	quedan          int,  -- on the shelf afterwards; null for a dispatch, which does not change the shelf
	en              timestamptz not null default now(),
	check (case
		when tipo in ('RESERVA', 'DESPACHO')              then cantidad < 0
		when tipo in ('INICIAL', 'REPOSICION', 'LIBERACION') then cantidad >= 0
		else false end),
	check ((tipo in ('RESERVA', 'LIBERACION', 'DESPACHO')) = (id_compra is not null)),
	check ((tipo = 'REPOSICION') = (idempotency_key is not null)),
	check ((tipo = 'DESPACHO') = (quedan is null))
);
-- No movement happens twice, even where the program is wrong.
create unique index on movimiento (id_compra, id_producto, tipo) where id_compra is not null;
create unique index on movimiento (idempotency_key) where idempotency_key is not null;
create unique index on movimiento (id_producto) where tipo = 'INICIAL';

-- The balance of each product. diferencia is always 0: initial + restocked = on the shelf + reserved + dispatched
-- (docs/adr/stock-is-conserved.md).
create view balance as
select p.id as id_producto,
	coalesce(m.inicial, 0) as inicial,
	coalesce(m.repuesto, 0) as repuesto,
	p.cantidad::bigint as existencias,
	coalesce(r.reservado, 0) as reservado,
	coalesce(m.despachado, 0) as despachado,
	coalesce(m.inicial, 0) + coalesce(m.repuesto, 0) - p.cantidad - coalesce(r.reservado, 0) - coalesce(m.despachado, 0) as diferencia
from producto p
left join (
	select id_producto,
		sum(cantidad) filter (where tipo = 'INICIAL') as inicial,
		sum(cantidad) filter (where tipo = 'REPOSICION') as repuesto,
		-sum(cantidad) filter (where tipo = 'DESPACHO') as despachado
	from movimiento group by id_producto) m on m.id_producto = p.id
left join (select id_producto, sum(cantidad) as reservado from reserva group by id_producto) r on r.id_producto = p.id;

-- The commands that were answered, and their replies: docs/adr/stored-replies.md.
create table inbox (
	id_compra   text not null,
	tipo        text not null,
	fingerprint text not null, -- of the command's data: the same command with other data is refused
	reply       jsonb not null,
	received_at timestamptz not null default now(),
	primary key (id_compra, tipo)
);
create index on inbox (received_at);

-- The failed tries of each message: docs/adr/trouble-is-not-a-bad-message.md.
create table attempt (
	record_id text primary key,
	tries     int not null,
	last_at   timestamptz not null default now()
);

-- The reservations that the reconciler found of purchases that had ended otherwise, and what it did. The table stays empty unless somebody
-- changes a database by hand.
create table finding (
	id_compra text not null,
	what      text not null,
	estado    text not null default '', -- of the purchase, when it was found
	done      text not null,
	found_at  timestamptz not null default now(),
	primary key (id_compra, what, estado)
);

-- The role consolidador may read the stock, and nothing else (docs/adr/one-owner-migrates-a-database.md). The setup of the server creates it.
-- +goose StatementBegin
do $$ begin
	if exists (select from pg_roles where rolname = 'consolidador') then
		grant usage on schema public to consolidador;
		grant select on producto to consolidador;
	end if;
end $$;
-- +goose StatementEnd

-- The catalogue: the products of the earlier system, with their quantities.
insert into producto (id, nombre, cantidad) values
	('1', 'Café de origen, 500 g', 500),
	('2', 'Panela orgánica, 1 kg', 400),
	('3', 'Chocolate de mesa, 250 g', 500),
	('4', 'Miel de páramo, 300 g', 300),
	('5', 'Arroz, 5 kg', 500),
	('6', 'Aceite de girasol, 3 l', 300),
	('7', 'Lentejas, 1 kg', 500),
	('8', 'Harina de maíz, 1 kg', 400),
	('9', 'Quinua real, 500 g', 100),
	('10', 'Galletas de avena, 6 unidades', 500),
	('11', 'Agua mineral, 600 ml', 1000),
	('12', 'Jabón de tocador, 3 unidades', 500),
	('13', 'Cafetera de prensa, 1 l', 50),
	('14', 'Molino de café manual', 10),
	('15', 'Tostadora de pan', 0),
	('16', 'Papel de cocina, 4 rollos', 500),
	('17', 'Detergente líquido, 2 l', 500),
	('18', 'Té de coca, 25 bolsas', 500);

insert into movimiento (id_producto, tipo, cantidad, quedan)
select id, 'INICIAL', cantidad, cantidad from producto order by length(id), id;
