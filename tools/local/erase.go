package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// eraser is the operator under whose name the audit has what `make erase` erased.
const eraser = "make-erase"

// erase erases the personal data of a customer through the bff, which asks each owner of such data. It repeats the request until nothing of
// what has ended is left.
func (in *Instance) erase(usuario string) error {
	if usuario == "" {
		return errors.New("name the customer: make erase USUARIO=ana")
	}
	token, err := in.token(eraser, "operador")
	if err != nil {
		return err
	}
	var total, last struct{ Compras, Ordenes, Abiertas, Quedan int }
	for more := true; more; more = last.Quedan > 0 {
		if err := in.askBFF(http.MethodPost, "/api/usuarios/"+url.PathEscape(usuario)+"/borrado", token, &last); err != nil {
			return err
		}
		total.Compras += last.Compras
		total.Ordenes += last.Ordenes
	}
	fmt.Printf("Erased the personal data of %s: %d purchases, %d orders.\n", usuario, total.Compras, total.Ordenes)
	if last.Abiertas > 0 {
		fmt.Printf("Kept: %d purchases that have not ended. Erase again when they have.\n", last.Abiertas)
	}
	return nil
}

// askBFF sends a request to the bff and decodes the answer into v.
func (in *Instance) askBFF(method, path, token string, v any) error {
	request, err := http.NewRequest(method, fmt.Sprintf("http://127.0.0.1:%d%s", in.port("BFF"), path), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		return fmt.Errorf("the bff does not answer (see make status): %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the bff answered %s: %s", response.Status, body)
	}
	return json.Unmarshal(body, v)
}
