package main

import (
	"errors"

	"github.com/gorilla/mux"

	"entregas/services/bff/emisor"
	"entregas/services/bff/identidad"
)

// emisorDe is the issuer that is trusted: a real one, or in development our own, whose routes go to rutas.
func emisorDe(cfg config, rutas *mux.Router, codes emisor.CodeStore) (*identidad.Emisor, error) {
	a := identidad.Ajustes{
		Emisor: cfg.Emisor, Audiencia: cfg.Audiencia, Cliente: cfg.Cliente, Secreto: cfg.Secreto, Roles: cfg.Roles, Publica: cfg.Publica,
	}
	if cfg.desarrollo() {
		propio, err := emisor.Nuevo(cfg.Emisor, cfg.ClaveEmisor, cfg.Publica, codes)
		if err != nil {
			return nil, err
		}
		propio.Registrar(rutas)
		a.HTTP = propio.EnProceso()
	} else if cfg.Publica == "" {
		// Else the Host of any request would say where the issuer sends people back to, and the session's cookie would go by http too.
		return nil, errors.New("PUBLIC_URL: en producción hace falta la dirección en que nos ven los navegadores")
	}
	return identidad.NuevoEmisor(a), nil
}
