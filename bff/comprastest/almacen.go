// Package comprastest has small real implementations of what the core stands on, for tests without I/O, and the suite
// that holds every Almacen to the same rules.
package comprastest

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"entregas/services/bff/compras"
)

// Almacen keeps values in memory. The zero value is ready.
type Almacen struct {
	mu       sync.Mutex
	valores  map[string]guardado
	cuenta   int
	lecturas int
	falla    error
}

type guardado struct {
	texto   []byte
	version string
	hasta   time.Time
}

// Fallar makes everything fail with err from now on; nil ends that.
func (a *Almacen) Fallar(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.falla = err
}

// Lecturas is how often it was read.
func (a *Almacen) Lecturas() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lecturas
}

// Claves lists the keys that begin with prefijo.
func (a *Almacen) Claves(prefijo string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var claves []string
	for clave := range a.valores {
		if strings.HasPrefix(clave, prefijo) {
			claves = append(claves, clave)
		}
	}
	return claves
}

// Leer implements compras.Almacen.
func (a *Almacen) Leer(_ context.Context, claves ...string) ([]compras.Valor, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lecturas++
	valores := make([]compras.Valor, len(claves))
	for i, clave := range claves {
		g := a.vigente(clave)
		valores[i] = compras.Valor{Texto: g.texto, Version: g.version}
	}
	return valores, a.falla
}

// Crear implements compras.Almacen.
func (a *Almacen) Crear(_ context.Context, clave string, texto []byte, vida time.Duration) error {
	return a.si(clave, "", func() { a.poner(clave, texto, vida) })
}

// Reemplazar implements compras.Almacen.
func (a *Almacen) Reemplazar(_ context.Context, clave, version string, texto []byte, vida time.Duration) error {
	return a.si(clave, version, func() { a.poner(clave, texto, vida) })
}

// Borrar implements compras.Almacen.
func (a *Almacen) Borrar(_ context.Context, clave, version string) error {
	return a.si(clave, version, func() { delete(a.valores, clave) })
}

func (a *Almacen) si(clave, version string, cambiar func()) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.falla != nil {
		return a.falla
	}
	if a.vigente(clave).version != version {
		return compras.ErrYaCambio
	}
	cambiar()
	return nil
}

func (a *Almacen) poner(clave string, texto []byte, vida time.Duration) {
	if a.valores == nil {
		a.valores = map[string]guardado{}
	}
	a.cuenta++
	a.valores[clave] = guardado{texto: texto, version: strconv.Itoa(a.cuenta), hasta: time.Now().Add(vida)}
}

func (a *Almacen) vigente(clave string) guardado {
	if g := a.valores[clave]; time.Now().Before(g.hasta) {
		return g
	}
	return guardado{}
}
