package rest

import (
	"net/http"
	"time"

	"entregas/bff/csvfile"
	"entregas/bff/rest/contract"
	"entregas/contracts"
	"entregas/internal/rest"
)

// LeerAuditoria implements contract.ServerInterface.
func (s Server) LeerAuditoria(w http.ResponseWriter, r *http.Request, params contract.LeerAuditoriaParams) {
	w.Header().Set("Vary", "Accept")
	if csvfile.Accepts(r) {
		s.actosFile(w, r, contracts.ActosQuery(params))
		return
	}
	page, err := s.Gate.Actos(r.Context(), contracts.ActosQuery(params))
	respond(w, r, http.StatusOK, page, err)
}

// actosFile answers a file of all acts that q asks for.
func (s Server) actosFile(w http.ResponseWriter, r *http.Request, q contracts.ActosQuery) {
	f := csvfile.New(w, "auditoria-"+time.Now().UTC().Format("20060102-150405")+".csv",
		"en", "tipo", "sujeto", "rol", "objeto", "id_compra", "motivo", "detalle", "id")
	err := s.Gate.EachActo(r.Context(), q, func(a contracts.Acto) error {
		return f.Write(contracts.FormatInstant(a.En), string(a.Tipo), a.Sujeto, a.Rol, a.Objeto, a.IDCompra, a.Motivo, a.Detalle, a.ID)
	})
	if err := f.Close(r.Context(), err); err != nil {
		rest.WriteError(w, r, err)
	}
}
