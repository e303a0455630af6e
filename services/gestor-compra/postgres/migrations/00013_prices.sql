-- +goose Up

-- What each purchase costs: docs/adr/prices-are-those-of-the-acceptance.md. The purchases of before have no price.
alter table compra
    add moneda  text   not null default '',
    add total   bigint not null default 0 check (total between 0 and 9007199254740991), -- minor units
    add precios jsonb  not null default '[]',
    add constraint compra_price check ((moneda = '') = (total = 0));
