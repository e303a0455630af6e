package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"entregas/tests/cliente"
	"entregas/tests/escenarios/comun"
	"entregas/tests/escenarios/escalador"
)

// punto is what there was at one instant.
type punto struct {
	en         time.Duration
	pendientes int64
	deseadas   int
	replicas   int // that read the queue
}

// mirador reads monitor, asks the rule, and starts and stops replicas.
type mirador struct {
	e         *comun.Escenario
	escalador *escalador.Escalador
	puntos    []punto
	// conCinco is when all five read the queue; sinTrabajo, when there was not enough left for all of them.
	conCinco, sinTrabajo time.Time
	mu                   sync.Mutex
	corren               map[string]bool // the further replicas that there should be
	lectores             int             // that read the queue at the last look
	grupo                sync.WaitGroup
}

const (
	cadaMirada = 2 * time.Second
	paraTodas  = 10 // pending messages below which one of the five may be idle: two for each
)

// correr scales until ctx ends, and then stops the further replicas.
func (m *mirador) correr(ctx context.Context) {
	inicio, monitor := time.Now(), cliente.Directo(m.e.Entorno.Monitor)
	for ; ctx.Err() == nil; dormir(ctx, cadaMirada) {
		r, err := monitor.Pedir(ctx, http.MethodGet, "/metrics", nil)
		pendientes, hay := deMetricas(string(r.Cuerpo), "pending_messages_persistent_public_default_comandos_producto")
		if err != nil || !hay {
			continue // what is not known is no reason to change anything
		}
		lectores, _ := deMetricas(string(r.Cuerpo), `entregas_consumers{subscription="admin-productos",topic="comandos-producto"}`)
		m.mu.Lock()
		m.lectores = int(lectores)
		m.mu.Unlock()
		ahora := time.Now()
		deseadas := m.escalador.Replicas(int64(pendientes), ahora)
		m.puntos = append(m.puntos, punto{ahora.Sub(inicio), int64(pendientes), deseadas, int(lectores)})
		if lectores >= 5 && m.conCinco.IsZero() {
			m.conCinco = ahora
			m.e.Decir("cinco réplicas, %.0f pendientes", pendientes)
		}
		if !m.conCinco.IsZero() && m.sinTrabajo.IsZero() && pendientes < paraTodas {
			m.sinTrabajo = ahora
		}
		m.ajustar(ctx, deseadas)
	}
	m.grupo.Wait()
}

// ajustar starts what is missing and stops what is too much, the last one first.
func (m *mirador) ajustar(ctx context.Context, deseadas int) {
	for n := 2; n <= 5; n++ {
		nombre := replica(n)
		m.mu.Lock()
		corre, debe := m.corren[nombre], n <= deseadas
		m.corren[nombre] = debe
		m.mu.Unlock()
		if corre == debe {
			continue
		}
		orden := "stop"
		if debe {
			orden = "start"
		}
		m.e.Decir("%s %s", orden, nombre)
		m.grupo.Go(func() {
			if err := m.e.Local.Orden(context.WithoutCancel(ctx), orden, nombre); err != nil {
				m.e.Decir("%v", err)
			}
		})
	}
}

// cuantas is how many replicas read the queue at the last look.
func (m *mirador) cuantas() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lectores
}

func dormir(ctx context.Context, cuanto time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(cuanto):
	}
}
