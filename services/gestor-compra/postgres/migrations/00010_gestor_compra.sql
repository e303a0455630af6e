-- +goose Up

-- The purchases. numero is the number of the last entry of a purchase's history.
create table compra (
    id                 text primary key,
    id_usuario         text not null,
    productos          jsonb not null,
    domicilio          boolean not null,
    estado             text not null,
    motivo             text not null default '',
    faltantes          jsonb not null default '[]',
    id_orden           text not null default '',
    numero             int not null default 1,
    -- How often a FALLIDA was taken up again. The purchase then enters its last states once more, and the history has them once for each round.
    round              int not null default 0,
    cancelacion_pedida text, -- the reason of a request to cancel; each step looks here before it sends its command
    leased_until       timestamptz, -- until then a replica may start the workflow: docs/adr/accept-then-start-by-priority.md
    replacements       int not null default 0, -- of its workflow, since an operator last asked for one: docs/adr/stalled-sagas.md
    replaced_at        timestamptz,
    replacement_asked  boolean not null default false, -- by an operator
    creada_en          timestamptz not null default clock_timestamp(),
    actualizada_en     timestamptz not null default clock_timestamp()
);
create index compra_by_usuario on compra (id_usuario, creada_en desc, id desc);
create index compra_by_creada on compra (creada_en desc, id desc);
create index compra_recibida on compra (creada_en) where estado = 'RECIBIDA';
-- A purchase that was given out and has not started holds a place: docs/adr/fair-admission.md.
create index compra_leased on compra (leased_until) where estado = 'RECIBIDA' and leased_until is not null;
-- The purchases in a state of the saga. The condition names the other states, so that a new step needs no new index.
create index compra_in_flight on compra (id)
    where estado not in ('RECIBIDA', 'POR_APROBAR', 'CONFIRMADA', 'DESPACHADA', 'RECHAZADA', 'CANCELADA', 'FALLIDA');
create index compra_por_aprobar on compra (actualizada_en) where estado = 'POR_APROBAR';
-- The open purchases of a customer.
create index compra_open on compra (id_usuario)
    where estado not in ('DESPACHADA', 'RECHAZADA', 'CANCELADA', 'FALLIDA');
create index compra_replacement_asked on compra (id) where replacement_asked;

-- The history of each purchase, which is also the outbox: docs/adr/the-history-is-the-outbox.md. A repeated step adds no entry.
create table historia (
    id_compra text not null references compra,
    numero    int not null,
    paso      text not null,
    tipo      text not null,
    detalle   text not null default '',
    en        timestamptz not null default clock_timestamp(),
    published boolean not null default false,
    round     int not null default 0,
    primary key (id_compra, numero),
    unique (id_compra, paso, round)
);
create index historia_unpublished on historia (en) where not published;
create index historia_confirmada on historia (en) where paso = 'CONFIRMADA';

-- The command of each step, and its reply: docs/adr/a-step-asks-and-waits.md. The first reply counts, unless the wait has ended before.
create table paso (
    id_compra     text not null references compra,
    comando       text not null,
    preguntada_en timestamptz not null default clock_timestamp(),
    abandonada_en timestamptz, -- when the wait ended without a reply
    respuesta     text,
    datos         jsonb,
    respondida_en timestamptz,
    tardias       jsonb not null default '[]', -- the replies that came second, or after the wait
    alive_at      timestamptz, -- the last sign of life of a workflow that waits for the reply
    primary key (id_compra, comando)
);

-- The decision about a purchase that awaits approval: docs/adr/who-owns-a-fact-decides.md. The first decision counts.
create table decision (
    id_compra text primary key references compra,
    decision  text not null check (decision in ('aprobada', 'rechazada', 'cancelada', 'expirada')),
    motivo    text not null default '',
    tomada_en timestamptz not null default clock_timestamp(),
    delivered boolean not null default false -- the workflow has read it
);
create index decision_undelivered on decision (tomada_en) where not delivered;

-- The dispatch and the cancellation of a confirmed purchase: docs/adr/who-owns-a-fact-decides.md. Each is a workflow of its own.
create table tramite (
    id_compra    text not null references compra,
    tipo         text not null check (tipo in ('despacho', 'cancelacion')),
    motivo       text not null default '',
    pedido_en    timestamptz not null default clock_timestamp(),
    leased_until timestamptz, -- until then a replica may start the workflow
    terminado_en timestamptz,
    hecho        boolean, -- false: it was refused
    primary key (id_compra, tipo)
);
create index tramite_open on tramite (pedido_en) where terminado_en is null;

-- The cancellations that came before their purchase: docs/adr/rollback-may-come-first.md. The owner of the purchase is not known yet, so the
-- key has the customer too: the cancellation of another customer must not take its place.
create table cancelacion_anticipada (
    id_compra  text not null,
    id_usuario text not null,
    motivo     text not null,
    pedida_en  timestamptz not null default clock_timestamp(),
    primary key (id_compra, id_usuario)
);

-- The workflows that the reconciler found lost or stalled, and what it did. The table stays empty unless a disk is lost.
create table finding (
    id_compra text not null,
    what      text not null,
    estado    text not null default '', -- of the purchase, when it was found
    done      text not null,
    found_at  timestamptz not null default clock_timestamp(),
    primary key (id_compra, what, estado)
);
