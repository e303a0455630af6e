package main

import (
	"errors"

	"github.com/gorilla/mux"

	"entregas/bff/identity"
	"entregas/bff/issuer"
	"entregas/bff/pages"
)

// issuerOf returns the issuer whose tokens the bff accepts: that of the settings, or in development the bff's own, whose endpoints
// it adds to routes.
func issuerOf(cfg config, routes *mux.Router, codes issuer.CodeStore) (*identity.Issuer, error) {
	s := identity.Settings{
		Issuer: cfg.Issuer, Audience: cfg.Audience, ClientID: cfg.ClientID, Secret: cfg.Secret, Roles: cfg.Roles, PublicURL: cfg.PublicURL,
	}
	if cfg.development() {
		own, err := issuer.New(cfg.Issuer, cfg.IssuerKey, cfg.PublicURL, codes, pages.SignIn)
		if err != nil {
			return nil, err
		}
		own.Register(routes)
		s.HTTP = own.InProcess()
	} else if cfg.PublicURL == "" {
		// Else the Host of a request would decide where the issuer sends people back, and the session's cookie would not be Secure.
		return nil, errors.New("PUBLIC_URL: required in production: the address of the bff as browsers see it")
	}
	return identity.NewIssuer(s), nil
}
