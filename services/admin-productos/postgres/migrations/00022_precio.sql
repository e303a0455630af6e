-- +goose Up

-- The prices that each product has had. The newest row is the present price, and the row that was the newest at an instant is the price of
-- that instant: docs/adr/prices-are-those-of-the-acceptance.md. No row is changed or deleted.
create table precio (
	id              bigint generated always as identity primary key,
	id_producto     text not null references producto,
	precio          bigint not null check (precio between 1 and 10000000000), -- minor units
	moneda          text not null default 'COP',
	desde           timestamptz not null default clock_timestamp(),
	sujeto          text not null default '',
	rol             text not null default '',
	motivo          text not null default '',
	idempotency_key text -- of a change; null for the prices of the catalogue
);
create unique index precio_by_producto on precio (id_producto, desde);
create unique index on precio (idempotency_key) where idempotency_key is not null;

-- A change of a price holds the lock alone until its commit. Whoever reads the prices of a past instant shares it. So no price that holds
-- from before a read becomes visible after it. PostgreSQL frees the lock at the end of the transaction.
create function lock_prices(alone boolean) returns void language sql as $$
	select case when alone then pg_advisory_xact_lock(hashtextextended('precio', 0)) else pg_advisory_xact_lock_shared(hashtextextended('precio', 0)) end
$$;

-- consolidador reads the price of each line of a purchase (docs/adr/one-owner-migrates-a-database.md).
-- +goose StatementBegin
do $$ begin
	if exists (select from pg_roles where rolname = 'consolidador') then
		grant select on precio to consolidador;
	end if;
end $$;
-- +goose StatementEnd

-- The prices of the catalogue, in centavos of COP.
insert into precio (id_producto, precio, motivo)
select p.id, c.precio, 'Precio del catálogo' from (values
	('1', 3200000), ('2', 850000), ('3', 1180000), ('4', 2490000), ('5', 2350000), ('6', 3690000),
	('7', 620000), ('8', 480000), ('9', 1490000), ('10', 790000), ('11', 230000), ('12', 1050000),
	('13', 8990000), ('14', 17900000), ('15', 12990000), ('16', 1590000), ('17', 2790000), ('18', 960000)
) c (id, precio) join producto p using (id);
