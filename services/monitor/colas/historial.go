package colas

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the history keeps, and over how much of it a rate is taken: shorter is nervous, longer is late.
const (
	// Cada is how often the lengths of the queues are read.
	Cada = 5 * time.Second
	// Memoria is how long the lengths of the queues are kept.
	Memoria = 15 * time.Minute
	// deUnRitmo is the time over which the rate of a queue is taken. A shorter one is nervous, a longer one is late.
	deUnRitmo = 30 * time.Second
)

// plazo is how long one look at the broker may take.
const plazo = 3 * time.Second

// clave names a reader of a topic.
type clave struct{ tema, suscripcion string }

// muestra is one look at the broker. A look that failed holds nothing: a number of before is never told as one of now.
type muestra struct {
	en     time.Time
	arriba bool
	colas  map[clave]Cola
}

// Historial is the last quarter of an hour of every queue, in memory.
type Historial struct {
	broker   Broker
	mu       sync.Mutex
	muestras []muestra
}

// NuevoHistorial looks at b each time that it is told to.
func NuevoHistorial(b Broker) *Historial { return &Historial{broker: b} }

// Mirar takes one look and keeps it, also where the broker did not answer.
func (h *Historial) Mirar(ctx context.Context) error {
	ctx, soltar := context.WithTimeout(ctx, plazo)
	defer soltar()
	todas, err := Leer(ctx, h.broker)
	h.anotar(time.Now(), todas, err == nil)
	return err
}

func (h *Historial) anotar(en time.Time, todas map[string][]Cola, arriba bool) {
	m := muestra{en: en, arriba: arriba, colas: map[clave]Cola{}}
	for tema, lista := range todas {
		for _, c := range lista {
			if c.Durable && arriba {
				m.colas[clave{tema, c.Suscripcion}] = c
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.muestras = append(h.muestras, m)
	viejas := slices.IndexFunc(h.muestras, func(m muestra) bool { return en.Sub(m.en) <= Memoria })
	h.muestras = slices.Delete(h.muestras, 0, viejas)
}

// Ritmo is how fast a queue fills and empties, messages per second.
type Ritmo struct{ Entrada, Salida float64 }

// ParaVaciar is how long the queue takes to empty at this rate; no where it does not empty.
func (r Ritmo) ParaVaciar(pendientes int64) (time.Duration, bool) {
	switch {
	case pendientes == 0:
		return 0, true
	case r.Salida <= r.Entrada:
		return 0, false
	}
	return time.Duration(float64(pendientes) / (r.Salida - r.Entrada) * float64(time.Second)), true
}

// Ritmo gives the rate of a reader now; no where the newest look failed or there is none to compare it with.
func (h *Historial) Ritmo(tema, suscripcion string) (Ritmo, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ritmoEn(len(h.muestras)-1, clave{tema, suscripcion})
}

// ritmoEn compares the look i with the oldest of the deUnRitmo before it that is of the same run of the broker: its
// counters begin again when it does. What went out is what came in and does not wait any more.
func (h *Historial) ritmoEn(i int, k clave) (Ritmo, bool) {
	if i < 1 {
		return Ritmo{}, false
	}
	ahora, hay := h.muestras[i].colas[k]
	if !hay {
		return Ritmo{}, false
	}
	desde := h.muestras[i].en.Add(-deUnRitmo - Cada/2)
	j, _ := slices.BinarySearchFunc(h.muestras[:i], desde, func(m muestra, t time.Time) int { return m.en.Compare(t) })
	for _, m := range h.muestras[j:i] {
		antes, hay := m.colas[k]
		if !hay || antes.Entraron > ahora.Entraron {
			continue
		}
		lapso := h.muestras[i].en.Sub(m.en)
		entraron := ahora.Entraron - antes.Entraron
		salieron := entraron - (ahora.Pendientes - antes.Pendientes)
		return Ritmo{Entrada: float64(entraron) / lapso.Seconds(), Salida: float64(max(0, salieron)) / lapso.Seconds()}, true
	}
	return Ritmo{}, false
}

// Serie is a queue over time: the values stand at the same places as Informe.Instantes, nil where the broker did not answer.
type Serie struct {
	Pendientes []*int64
	Entrada    []*float64
	Salida     []*float64
}

// EnInforme is a queue with its past.
type EnInforme struct {
	Cola
	Ritmo *Ritmo
	Serie Serie
}

// Informe is what there is to see now, and how it came to that.
type Informe struct {
	En        time.Time
	Arriba    bool // the broker answered; else Colas tells the past only
	Colas     []EnInforme
	Instantes []time.Time
}

// Informe tells all queues with the last quarter of an hour.
func (h *Historial) Informe() Informe {
	h.mu.Lock()
	defer h.mu.Unlock()
	var i Informe
	claves := map[clave]bool{}
	for _, m := range h.muestras {
		i.Instantes = append(i.Instantes, m.en)
		for k := range m.colas {
			claves[k] = true
		}
	}
	if len(h.muestras) == 0 {
		return i
	}
	ultima := h.muestras[len(h.muestras)-1]
	i.En, i.Arriba = ultima.en, ultima.arriba
	for k := range claves {
		e := EnInforme{Cola: Cola{Tema: k.tema, Suscripcion: k.suscripcion}, Serie: h.serie(k)}
		if c, hay := ultima.colas[k]; hay {
			e.Cola = c
		}
		if r, hay := h.ritmoEn(len(h.muestras)-1, k); hay {
			e.Ritmo = &r
		}
		i.Colas = append(i.Colas, e)
	}
	slices.SortFunc(i.Colas, func(a, b EnInforme) int { return strings.Compare(a.Tema+"/"+a.Suscripcion, b.Tema+"/"+b.Suscripcion) })
	return i
}

func (h *Historial) serie(k clave) Serie {
	n := len(h.muestras)
	s := Serie{Pendientes: make([]*int64, n), Entrada: make([]*float64, n), Salida: make([]*float64, n)}
	for i, m := range h.muestras {
		if c, hay := m.colas[k]; hay {
			s.Pendientes[i] = &c.Pendientes
		}
		if r, hay := h.ritmoEn(i, k); hay {
			s.Entrada[i], s.Salida[i] = &r.Entrada, &r.Salida
		}
	}
	return s
}
