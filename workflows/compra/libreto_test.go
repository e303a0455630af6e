package compra

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"entregas/contracts"
)

// libreto is what the world does in one test: to each call, by name, the outcomes in order, of which the last repeats.
// A call that is not in it is accepted.
type libreto struct {
	mu         sync.Mutex
	desenlaces map[string][]Desenlace
	falla      func(llamada string, vez int) bool // whether this call is trouble: an error
	alLlamar   func(llamada string)
	llamadas   []string // what was called, in order
	cierre     *Cierre
	rollbacks  []Rollback
}

// The names of calls. A step is named by its command.
const (
	deshaciendo = "deshacer "
	cerrando    = "cerrar "
	terminando  = "terminar "
	conVencida  = nombreDecision + " vencida"
)

func (l *libreto) llamar(llamada, clave string) (Desenlace, error) {
	l.mu.Lock()
	l.llamadas = append(l.llamadas, llamada)
	vez := 0
	for _, otra := range l.llamadas {
		if otra == llamada {
			vez++
		}
	}
	l.mu.Unlock()
	if l.alLlamar != nil {
		l.alLlamar(llamada)
	}
	if l.falla != nil && l.falla(llamada, vez) {
		return Desenlace{}, errors.New("no responde")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	quedan := l.desenlaces[clave]
	if len(quedan) == 0 {
		return aceptada, nil
	}
	if len(quedan) > 1 {
		l.desenlaces[clave] = quedan[1:]
	}
	return quedan[0], nil
}

// hecho is what was called so far.
func (l *libreto) hecho() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.llamadas...)
}

// teatro is the Actividades of all tests: each purchase has a libreto of its own.
type teatro struct{ libretos sync.Map }

func (t *teatro) de(idCompra string) *libreto {
	l, hay := t.libretos.Load(idCompra)
	if !hay {
		panic("nadie espera la compra " + idCompra)
	}
	return l.(*libreto)
}

func (t *teatro) Preguntar(_ context.Context, p Pregunta) (Desenlace, error) {
	return t.de(p.Compra.ID).llamar(string(p.Comando), string(p.Comando))
}

func (t *teatro) PedirAprobacion(_ context.Context, c contracts.SolicitudCompra) (Desenlace, error) {
	return t.de(c.ID).llamar(nombreAprobar, nombreAprobar)
}

func (t *teatro) LeerDecision(_ context.Context, d LecturaDecision) (Desenlace, error) {
	llamada := nombreDecision
	if d.Vencida {
		llamada = conVencida
	}
	return t.de(d.IDCompra).llamar(llamada, llamada)
}

func (t *teatro) Deshacer(_ context.Context, r Rollback) (Desenlace, error) {
	l := t.de(r.Compra.ID)
	l.mu.Lock()
	l.rollbacks = append(l.rollbacks, r)
	l.mu.Unlock()
	return l.llamar(deshaciendo+string(r.Comando), deshaciendo+string(r.Comando))
}

func (t *teatro) Cerrar(_ context.Context, c Cierre) error {
	l := t.de(c.IDCompra)
	_, err := l.llamar(cerrando+string(c.Estado), cerrando)
	if err == nil {
		l.mu.Lock()
		l.cierre = &c
		l.mu.Unlock()
	}
	return err
}

func (t *teatro) TerminarTramite(_ context.Context, d Tramite) error {
	_, err := t.de(d.IDCompra).llamar(fmt.Sprintf("%s%s %v", terminando, d.Tipo, d.Hecho), terminando)
	return err
}

var _ Actividades = (*teatro)(nil)
