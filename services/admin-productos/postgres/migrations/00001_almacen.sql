-- +goose Up
create table producto (
	id       text primary key,
	nombre   text not null,
	cantidad int  not null check (cantidad >= 0) -- on the shelf: what is reserved is no longer in it
);

-- A row is there while the units are reserved: releasing and dispatching delete it.
create table reserva (
	id_compra   text not null,
	id_producto text not null references producto,
	cantidad    int  not null check (cantidad > 0),
	creada_en   timestamptz not null default now(),
	primary key (id_compra, id_producto)
);
create index on reserva (id_producto);

-- The ledger. The sign is that of the shelf, and of the house for a dispatch: INICIAL, REPOSICION and LIBERACION add,
-- RESERVA and DESPACHO take away.
create table movimiento (
	id          bigint generated always as identity primary key,
	id_producto text not null references producto,
	tipo        text not null,
	cantidad    int  not null,
	id_compra   text, -- of RESERVA, LIBERACION, DESPACHO
	clave       text, -- of REPOSICION: its idempotency key
	quedan      int,  -- on the shelf afterwards; null for a dispatch, which leaves the shelf as it is
	en          timestamptz not null default now(),
	check (case
		when tipo in ('RESERVA', 'DESPACHO')              then cantidad < 0
		when tipo in ('INICIAL', 'REPOSICION', 'LIBERACION') then cantidad >= 0
		else false end),
	check ((tipo in ('RESERVA', 'LIBERACION', 'DESPACHO')) = (id_compra is not null)),
	check ((tipo = 'REPOSICION') = (clave is not null)),
	check ((tipo = 'DESPACHO') = (quedan is null))
);
-- Nothing moves twice, even where the code above is wrong.
create unique index on movimiento (id_compra, id_producto, tipo) where id_compra is not null;
create unique index on movimiento (clave) where clave is not null;
create unique index on movimiento (id_producto) where tipo = 'INICIAL';

-- docs/adr/stock-is-conserved.md: initial + restocked = on the shelf + reserved + dispatched, so diferencia is 0 at every instant.
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

-- Commands that were answered, with the answer (package inbox).
create table inbox (
	id_compra   text not null,
	tipo        text not null,
	huella      text not null,
	respuesta   jsonb not null,
	recibido_en timestamptz not null default now(),
	primary key (id_compra, tipo)
);
create index on inbox (recibido_en);

-- Failed tries of messages (package inbox).
create table intento (
	registro text primary key,
	veces    int not null,
	ultimo   timestamptz not null default now()
);

-- consolidador reads the stock and can do nothing else (docs/adr/one-owner-migrates-a-database.md). Its role is made by whoever
-- sets up the server.
-- +goose StatementBegin
do $$ begin
	if exists (select from pg_roles where rolname = 'consolidador') then
		grant usage on schema public to consolidador;
		grant select on producto to consolidador;
	end if;
end $$;
-- +goose StatementEnd
