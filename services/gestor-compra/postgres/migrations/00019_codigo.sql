-- +goose Up

-- The short code of each purchase, as contracts.NewCodigo makes it. gestor-compra gives one to a purchase that it accepts.
alter table compra add codigo text not null default '';

-- The purchases of before get one here. Of two that draw the same code, the later one draws again.
-- +goose StatementBegin
create function new_codigo() returns text language plpgsql volatile as $$
declare
    alphabet constant text := '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    n bigint;
    code text := '';
begin
    loop
        n := floor(random() * 34359738368);
        exit when n % 37 < 32;
    end loop;
    code := substr(alphabet, (n % 37)::int + 1, 1);
    for i in 1..7 loop
        code := substr(alphabet, (n % 32)::int + 1, 1) || code;
        n := n / 32;
    end loop;
    return code;
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
do $$ begin
    loop
        update compra set codigo = new_codigo() where codigo = '';
        update compra c set codigo = '' where exists (select from compra o where o.codigo = c.codigo and o.id < c.id);
        exit when not found;
    end loop;
end $$;
-- +goose StatementEnd
drop function new_codigo();

create unique index compra_by_codigo on compra (codigo) where codigo <> '';
