-- +goose Up

-- Until when the try that took a mail may go on: an operator who sends the mail again meanwhile must not have it sent twice.
alter table correo add en_curso_hasta timestamptz;
