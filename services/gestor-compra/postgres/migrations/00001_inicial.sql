-- +goose Up

-- A purchase as it stands. numero counts the entries of its history.
create table compra (
    id                 text primary key,
    id_usuario         text not null,
    estado             text not null,
    domicilio          boolean not null,
    productos          jsonb not null,
    motivo             text not null default '',
    faltantes          jsonb not null default '[]',
    id_orden           text not null default '',
    numero             int not null default 1,
    cancelacion_pedida text, -- the reason, once somebody asked; each step looks before it asks
    arriendo_hasta     timestamptz, -- docs/adr/accept-then-start-by-priority.md: until then somebody is starting it
    creada_en          timestamptz not null default clock_timestamp(),
    actualizada_en     timestamptz not null default clock_timestamp()
);
create index compra_por_usuario on compra (id_usuario, creada_en desc, id desc);
create index compra_recibida on compra (creada_en) where estado = 'RECIBIDA';
-- Of a state that the saga enters, or undoes in. It names the other states, so that a new step needs no new index.
create index compra_en_curso on compra (id)
    where estado not in ('RECIBIDA', 'POR_APROBAR', 'CONFIRMADA', 'DESPACHADA', 'RECHAZADA', 'CANCELADA', 'FALLIDA');

-- docs/adr/the-history-is-the-outbox.md: a step that is repeated adds nothing.
create table historia (
    id_compra text not null references compra,
    numero    int not null,
    paso      text not null,
    tipo      text not null,
    detalle   text not null default '',
    en        timestamptz not null default clock_timestamp(),
    publicada boolean not null default false,
    primary key (id_compra, numero),
    unique (id_compra, paso)
);
create index historia_por_publicar on historia (en) where not publicada;

-- docs/adr/a-step-asks-and-waits.md: what a step asked, and what was answered. The first reply wins, unless patience ran out
-- before.
create table paso (
    id_compra     text not null references compra,
    comando       text not null,
    preguntada_en timestamptz not null default clock_timestamp(),
    abandonada_en timestamptz,
    respuesta     text,
    datos         jsonb,
    respondida_en timestamptz,
    tardias       jsonb not null default '[]', -- replies that came too late, or second
    primary key (id_compra, comando)
);

-- docs/adr/who-owns-a-fact-decides.md: approved, rejected, cancelled and expired are one row; the first wins.
create table decision (
    id_compra   text primary key references compra,
    decision    text not null check (decision in ('aprobada', 'rechazada', 'cancelada', 'expirada')),
    motivo      text not null default '',
    tomada_en   timestamptz not null default clock_timestamp(),
    entregada   boolean not null default false
);
create index decision_por_entregar on decision (tomada_en) where not entregada;

-- docs/adr/who-owns-a-fact-decides.md: a dispatch, or a cancellation of a confirmed purchase: a workflow of its own, started
-- from here and swept.
create table tramite (
    id_compra      text not null references compra,
    tipo           text not null check (tipo in ('despacho', 'cancelacion')),
    motivo         text not null default '',
    pedido_en      timestamptz not null default clock_timestamp(),
    arriendo_hasta timestamptz,
    terminado_en   timestamptz,
    hecho          boolean,
    primary key (id_compra, tipo)
);
create index tramite_pendiente on tramite (pedido_en) where terminado_en is null;

-- docs/adr/rollback-may-come-first.md: a cancellation that came before its purchase. Whose it is shows when the purchase comes:
-- until then another's must not stand in its way.
create table cancelacion_anticipada (
    id_compra  text not null,
    id_usuario text not null,
    motivo     text not null,
    pedida_en  timestamptz not null default clock_timestamp(),
    primary key (id_compra, id_usuario)
);

-- +goose Down
drop table cancelacion_anticipada, tramite, decision, paso, historia, compra;
