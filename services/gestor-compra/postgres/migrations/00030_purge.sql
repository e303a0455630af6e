-- +goose NO TRANSACTION

-- The commands and replies by their age, for the purge. An index was interrupted if it is invalid: the statement before drops it.

-- +goose Up
drop index concurrently if exists paso_by_age;
create index concurrently paso_by_age on paso using brin (preguntada_en) with (autosummarize = on);
