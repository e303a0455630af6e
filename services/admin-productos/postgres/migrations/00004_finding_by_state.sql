-- +goose Up
-- The state in which a purchase was found is a column of its own, not a word in que.
alter table hallazgo add column estado text not null default '';
alter table hallazgo drop constraint hallazgo_pkey;
alter table hallazgo add primary key (id_compra, que, estado);

-- +goose Down
delete from hallazgo h using hallazgo other where other.id_compra = h.id_compra and other.que = h.que and other.estado > h.estado;
alter table hallazgo drop constraint hallazgo_pkey;
alter table hallazgo add primary key (id_compra, que);
alter table hallazgo drop column estado;
