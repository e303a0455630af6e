-- +goose Up

-- What operators look at: all purchases, newest first, and those that were confirmed of late.
create index compra_por_creada on compra (creada_en desc, id desc);
create index historia_confirmada on historia (en) where paso = 'CONFIRMADA';

-- A compensation that could not be done is taken up again by a person: then the purchase goes through its last states once
-- more, and the history has them once for each time.
alter table compra add column vuelta int not null default 0;
alter table historia add column vuelta int not null default 0;
alter table historia drop constraint historia_id_compra_paso_key;
alter table historia add unique (id_compra, paso, vuelta);

-- +goose Down
delete from historia where vuelta > 0;
alter table historia drop constraint historia_id_compra_paso_vuelta_key;
alter table historia add unique (id_compra, paso);
alter table historia drop column vuelta;
alter table compra drop column vuelta;
drop index historia_confirmada, compra_por_creada;
