package rest

import (
	"context"
	"net/http"

	"entregas/contracts"
	api "entregas/internal/api/avisos"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// Correos keeps the e-mail addresses of customers.
type Correos interface {
	Correo(ctx context.Context, idUsuario string) (string, error)
	SetCorreo(ctx context.Context, idUsuario, address string) error
	DeleteCorreo(ctx context.Context, idUsuario string) error
}

// Mail has the addresses. Wake says that there is a mail that is due; it is nil where this installation sends no e-mail.
type Mail struct {
	Correos Correos
	Wake    func()
}

// LeerCorreo implements api.ServerInterface.
func (s resources) LeerCorreo(w http.ResponseWriter, r *http.Request, id api.Id) {
	if err := validCustomer(id); err != nil {
		rest.WriteError(w, r, err)
		return
	}
	address, err := s.mail.Correos.Correo(r.Context(), id)
	rest.Answer(w, r, http.StatusOK, contracts.CorreoDeUsuario{Correo: address, Disponible: s.mail.Wake != nil}, err)
}

// GuardarCorreo implements api.ServerInterface.
func (s resources) GuardarCorreo(w http.ResponseWriter, r *http.Request, id api.Id) {
	requested, err := rest.Read[contracts.CambioDeCorreo](w, r)
	if err == nil {
		err = requested.Validate()
	}
	if err == nil && s.mail.Wake == nil {
		err = errs.New(errs.Conflict, "Esta instalación no envía correos.")
	}
	s.change(w, r, id, err, func(ctx context.Context) error { return s.mail.Correos.SetCorreo(ctx, id, requested.Correo) })
}

// BorrarCorreo implements api.ServerInterface.
func (s resources) BorrarCorreo(w http.ResponseWriter, r *http.Request, id api.Id) {
	s.change(w, r, id, nil, func(ctx context.Context) error { return s.mail.Correos.DeleteCorreo(ctx, id) })
}

// change does do for the customer id, unless err is a reason against it.
func (s resources) change(w http.ResponseWriter, r *http.Request, id string, err error, do func(context.Context) error) {
	if err == nil {
		err = validCustomer(id)
	}
	if err == nil {
		err = do(r.Context())
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func validCustomer(id string) error {
	var v contracts.Validator
	v.Identifier("id", id)
	return v.Error()
}
