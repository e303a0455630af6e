package main

import (
	"errors"

	"github.com/gorilla/mux"

	"entregas/bff/identity"
	"entregas/bff/issuer"
)

// issuerOf is the issuer that is trusted: a real one, or in development our own, whose routes go to routes.
func issuerOf(cfg config, routes *mux.Router, codes issuer.CodeStore) (*identity.Issuer, error) {
	a := identity.Settings{
		Issuer: cfg.Issuer, Audience: cfg.Audience, ClientID: cfg.ClientID, Secret: cfg.Secret, Roles: cfg.Roles, PublicURL: cfg.PublicURL,
	}
	if cfg.development() {
		own, err := issuer.New(cfg.Issuer, cfg.IssuerKey, cfg.PublicURL, codes)
		if err != nil {
			return nil, err
		}
		own.Register(routes)
		a.HTTP = own.InProcess()
	} else if cfg.PublicURL == "" {
		// Else the Host of any request would say where the issuer sends people back to, and the session's cookie would go by http too.
		return nil, errors.New("PUBLIC_URL: en producción hace falta la dirección en que nos ven los navegadores")
	}
	return identity.NewIssuer(a), nil
}
