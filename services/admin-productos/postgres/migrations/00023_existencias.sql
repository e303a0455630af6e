-- +goose Up

-- A product whose units on the shelf are at most umbral is low.
alter table producto add umbral int not null default 10 check (umbral between 0 and 1000000);

-- CORRECCION: an operator adds units to the shelf or takes them away, and says why (docs/adr/stock-is-conserved.md).
alter table movimiento
	drop constraint movimiento_check, drop constraint movimiento_check2,
	add constraint movimiento_cantidad check (case
		when tipo in ('RESERVA', 'DESPACHO')                 then cantidad < 0
		when tipo in ('INICIAL', 'REPOSICION', 'LIBERACION') then cantidad >= 0
		when tipo = 'CORRECCION'                             then cantidad <> 0
		else false end),
	add constraint movimiento_key check ((tipo in ('REPOSICION', 'CORRECCION')) = (idempotency_key is not null)),
	add constraint movimiento_motivo check (tipo <> 'CORRECCION' or motivo <> '');

-- The ledger of a product, newest first.
create index movimiento_by_producto on movimiento (id_producto, id);

-- The imports that were done, so that a repeated key changes nothing.
create table importacion (
	idempotency_key text primary key,
	fingerprint     text not null, -- of the file
	reply           jsonb not null,
	sujeto          text not null,
	rol             text not null,
	en              timestamptz not null default now()
);

-- The balance of each product. diferencia is always 0: initial + restocked + corrected = on the shelf + reserved + dispatched
-- (docs/adr/stock-is-conserved.md).
drop view balance;
create view balance as
select p.id as id_producto,
	p.nombre,
	coalesce(m.inicial, 0) as inicial,
	coalesce(m.repuesto, 0) as repuesto,
	coalesce(m.corregido, 0) as corregido,
	p.cantidad::bigint as existencias,
	coalesce(r.reservado, 0) as reservado,
	coalesce(m.despachado, 0) as despachado,
	coalesce(m.inicial, 0) + coalesce(m.repuesto, 0) + coalesce(m.corregido, 0)
		- p.cantidad - coalesce(r.reservado, 0) - coalesce(m.despachado, 0) as diferencia,
	p.umbral
from producto p
left join (
	select id_producto,
		sum(cantidad) filter (where tipo = 'INICIAL') as inicial,
		sum(cantidad) filter (where tipo = 'REPOSICION') as repuesto,
		sum(cantidad) filter (where tipo = 'CORRECCION') as corregido,
		-sum(cantidad) filter (where tipo = 'DESPACHO') as despachado
	from movimiento group by id_producto) m on m.id_producto = p.id
left join (select id_producto, sum(cantidad) as reservado from reserva group by id_producto) r on r.id_producto = p.id;
