-- +goose Up

-- The sentence of each act as structure, so that the pages tell it in each language: contracts.Acto. The acts of before have none.
alter table acto add texto text not null default '', add valores jsonb not null default '[]';
