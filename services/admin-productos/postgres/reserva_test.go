package postgres_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"entregas/contracts"
	"entregas/services/internal/basetest"
	"entregas/services/internal/errores"
)

var dosLineas = []contracts.Linea{linea("14", 3), linea("13", 5)}

func TestReservarTodasLasLineas(t *testing.T) {
	b, c := nuevaBodega(t), compra()
	b.exigir(t, contracts.ReservarProducto, c, dosLineas, contracts.ProductosReservados)
	s := b.saldos(t)
	if s["14"].Existencias != 7 || s["14"].Reservado != 3 || s["13"].Existencias != 45 || s["13"].Reservado != 5 {
		t.Errorf("%+v, %+v", s["14"], s["13"])
	}
	b.cuadra(t)
}

func TestReservarNadaSiFaltaUna(t *testing.T) {
	b, c := nuevaBodega(t), compra()
	pedidas := []contracts.Linea{linea("1", 1), linea("15", 1), linea("no-existe", 2)}
	faltan := []contracts.Faltante{{IDProducto: "15", Solicitada: 1}, {IDProducto: "no-existe", Solicitada: 2}}
	r := b.exigir(t, contracts.ReservarProducto, c, pedidas, contracts.ReservaRechazada)
	if !slices.Equal(r.Data.Faltantes, faltan) || r.Data.Motivo == "" {
		t.Errorf("%+v", r.Data)
	}
	if s := b.saldos(t)["1"]; s.Existencias != 500 || s.Reservado != 0 {
		t.Errorf("%+v", s)
	}
	// The refusal is stored: it stays the answer, even when there is enough meanwhile.
	if _, err := b.Reponer(t.Context(), "15", 100, "k"); err != nil {
		t.Fatal(err)
	}
	b.exigir(t, contracts.ReservarProducto, c, pedidas, contracts.ReservaRechazada)
	b.cuadra(t)
}

func TestElMismoComandoDosVeces(t *testing.T) {
	b, c := nuevaBodega(t), compra()
	for range 3 {
		b.exigir(t, contracts.ReservarProducto, c, dosLineas, contracts.ProductosReservados)
	}
	if s := b.saldos(t)["14"]; s.Reservado != 3 {
		t.Errorf("%+v", s)
	}
	if _, err := b.pedir(contracts.ReservarProducto, c, []contracts.Linea{linea("14", 4)}); errores.De(err) != errores.MensajeMalo {
		t.Errorf("con otro contenido: %v", err)
	}
	b.cuadra(t)
}

// The stories of a reservation of 3 units: what is asked, what is answered, and how many moved where.
func TestHistoriasDeUnaReserva(t *testing.T) {
	const (
		reservar, liberar, despachar                = contracts.ReservarProducto, contracts.LiberarReserva, contracts.DespacharReserva
		reservados, rechazada, liberada, despachada = contracts.ProductosReservados, contracts.ReservaRechazada, contracts.ReservaLiberada, contracts.ReservaDespachada
	)
	type paso struct{ pide, responde contracts.Tipo }
	b := nuevaBodega(t)
	for nombre, h := range map[string]struct {
		pasos                              []paso
		existencias, reservado, despachado int // the change
	}{
		"reserved":                                {[]paso{{reservar, reservados}}, -3, 3, 0},
		"reserved, released":                      {[]paso{{reservar, reservados}, {liberar, liberada}}, 0, 0, 0},
		"released twice":                          {[]paso{{reservar, reservados}, {liberar, liberada}, {liberar, liberada}}, 0, 0, 0},
		"the rollback overtook it":                {[]paso{{liberar, liberada}, {reservar, rechazada}, {reservar, rechazada}}, 0, 0, 0},
		"reserved, dispatched":                    {[]paso{{reservar, reservados}, {despachar, despachada}}, -3, 0, 3},
		"dispatched twice":                        {[]paso{{reservar, reservados}, {despachar, despachada}, {despachar, despachada}}, -3, 0, 3},
		"a redelivery after the dispatch":         {[]paso{{reservar, reservados}, {despachar, despachada}, {reservar, reservados}}, -3, 0, 3},
		"a rollback of what left the house":       {[]paso{{reservar, reservados}, {despachar, despachada}, {liberar, despachada}}, -3, 0, 3},
		"a dispatch of what was given back":       {[]paso{{reservar, reservados}, {liberar, liberada}, {despachar, rechazada}}, 0, 0, 0},
		"a dispatch of nothing":                   {[]paso{{despachar, rechazada}}, 0, 0, 0},
		"a dispatch refused closes the door":      {[]paso{{despachar, rechazada}, {reservar, rechazada}}, 0, 0, 0},
		"a refused dispatch, and its rollback":    {[]paso{{despachar, rechazada}, {liberar, liberada}}, 0, 0, 0},
		"a rollback again after what it refused":  {[]paso{{liberar, liberada}, {reservar, rechazada}, {liberar, liberada}}, 0, 0, 0},
		"the reservation again after its release": {[]paso{{reservar, reservados}, {liberar, liberada}, {reservar, reservados}}, 0, 0, 0},
	} {
		t.Run(nombre, func(t *testing.T) {
			c, antes := compra(), b.saldos(t)["1"]
			for _, p := range h.pasos {
				b.exigir(t, p.pide, c, []contracts.Linea{linea("1", 3)}, p.responde)
			}
			s := b.saldos(t)["1"]
			if s.Existencias-antes.Existencias != h.existencias || s.Reservado-antes.Reservado != h.reservado || s.Despachado-antes.Despachado != h.despachado {
				t.Errorf("antes %+v, después %+v", antes, s)
			}
			b.cuadra(t)
		})
	}
}

// The last units wanted by many: exactly the stock is sold.
func TestLasUltimasUnidadesParaMuchos(t *testing.T) {
	b := nuevaBodega(t)
	var reservados, rechazados atomic.Int32
	basetest.ALaVez(60, 60, func(int) {
		r, err := b.pedir(contracts.ReservarProducto, compra(), []contracts.Linea{linea("14", 1), linea("1", 1)})
		switch {
		case err != nil:
			t.Error(err)
		case r.Tipo == contracts.ProductosReservados:
			reservados.Add(1)
		default:
			rechazados.Add(1)
		}
	})
	s := b.saldos(t)
	if reservados.Load() != 10 || rechazados.Load() != 50 || s["14"].Existencias != 0 || s["14"].Reservado != 10 || s["1"].Reservado != 10 {
		t.Errorf("%d reservados y %d rechazados; %+v, %+v", reservados.Load(), rechazados.Load(), s["14"], s["1"])
	}
	b.cuadra(t)
}

// Purchases of the same products in opposite orders wait for each other, and never both: no deadlock, so no error.
func TestSinAbrazosMortales(t *testing.T) {
	b := nuevaBodega(t)
	ida := []contracts.Linea{linea("1", 1), linea("2", 1), linea("10", 1), linea("3", 1)}
	vuelta := slices.Clone(ida)
	slices.Reverse(vuelta)
	basetest.ALaVez(300, 20, func(i int) {
		c, lineas := compra(), ida
		if i%2 == 0 {
			lineas = vuelta
		}
		b.exigirEnParalelo(t, contracts.ReservarProducto, c, lineas, contracts.ProductosReservados)
		if i%3 == 0 {
			b.exigirEnParalelo(t, contracts.DespacharReserva, c, nil, contracts.ReservaDespachada)
		} else {
			b.exigirEnParalelo(t, contracts.LiberarReserva, c, nil, contracts.ReservaLiberada)
		}
	})
	if s := b.saldos(t)["1"]; s.Existencias != 400 || s.Despachado != 100 {
		t.Errorf("%+v", s)
	}
	b.cuadra(t)
}

// docs/adr/rollback-may-come-first.md, a thousand times: a command and its rollback at once leave nothing, whichever is first.
func TestUnComandoYSuReversaALaVez(t *testing.T) {
	b := nuevaBodega(t)
	var reservados atomic.Int32
	basetest.ALaVez(1000, 16, func(int) {
		c := compra()
		basetest.ALaVez(2, 2, func(cual int) {
			if cual == 0 {
				b.exigirEnParalelo(t, contracts.LiberarReserva, c, nil, contracts.ReservaLiberada)
				return
			}
			r, err := b.pedir(contracts.ReservarProducto, c, dosLineas)
			if err != nil {
				t.Error(err)
			}
			if r.Tipo == contracts.ProductosReservados {
				reservados.Add(1)
			}
		})
	})
	t.Logf("la reserva llegó primero %d veces de 1000", reservados.Load())
	s := b.saldos(t)
	if b.contar(t, `select count(*) from reserva`) != 0 || s["14"].Existencias != 10 || s["13"].Existencias != 50 {
		t.Errorf("quedó algo: %+v, %+v", s["14"], s["13"])
	}
	b.cuadra(t)
}

func (b bodega) exigirEnParalelo(t testing.TB, tipo contracts.Tipo, c string, lineas []contracts.Linea, espera contracts.Tipo) {
	if r, err := b.pedir(tipo, c, lineas); err != nil || r.Tipo != espera {
		t.Errorf("%s: respondió %s, %v; se esperaba %s", tipo, r.Tipo, err, espera)
	}
}
