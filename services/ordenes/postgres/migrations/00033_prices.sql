-- +goose Up

-- What the purchase of each order costs: docs/adr/prices-are-those-of-the-acceptance.md. The orders of before have no price.
alter table orden
    add moneda  text   not null default '',
    add total   bigint not null default 0 check (total between 0 and 9007199254740991), -- minor units
    add precios jsonb  not null default '[]',
    add constraint orden_price check ((moneda = '') = (total = 0));
