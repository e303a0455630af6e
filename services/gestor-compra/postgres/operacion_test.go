package postgres_test

import (
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/internal/errores"
)

func TestBuscar(t *testing.T) {
	a := postgrestest.Nuevo(t)
	confirmada, fallida := a.Compra(t, contracts.EstadoConfirmada), a.Compra(t, contracts.EstadoFallida)
	deEva := a.Compra(t, contracts.EstadoConfirmada)
	a.Hacer(t, `update compra set id_usuario = 'eva', domicilio = true where id = $1`, deEva.ID)
	si, no := true, false
	for nombre, c := range map[string]struct {
		filtro contracts.FiltroCompras
		quiero []string
	}{
		"all":                    {contracts.FiltroCompras{}, []string{deEva.ID, fallida.ID, confirmada.ID}},
		"by state":               {contracts.FiltroCompras{Estados: []contracts.Estado{contracts.EstadoFallida}}, []string{fallida.ID}},
		"by several states":      {contracts.FiltroCompras{Estados: []contracts.Estado{contracts.EstadoFallida, contracts.EstadoConfirmada}}, []string{deEva.ID, fallida.ID, confirmada.ID}},
		"by customer":            {contracts.FiltroCompras{IDUsuario: "ana"}, []string{fallida.ID, confirmada.ID}},
		"by customer and state":  {contracts.FiltroCompras{IDUsuario: "ana", Estados: []contracts.Estado{contracts.EstadoConfirmada}}, []string{confirmada.ID}},
		"home delivery":          {contracts.FiltroCompras{Domicilio: &si}, []string{deEva.ID}},
		"no home delivery":       {contracts.FiltroCompras{Domicilio: &no}, []string{fallida.ID, confirmada.ID}},
		"nobody's":               {contracts.FiltroCompras{IDUsuario: "leo"}, nil},
		"of a customer, at home": {contracts.FiltroCompras{IDUsuario: "ana", Domicilio: &si}, nil},
	} {
		lista, err := a.Buscar(t.Context(), c.filtro, contracts.Cursor{CreadaEn: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, 10)
		var ids []string
		for _, una := range lista {
			ids = append(ids, una.ID)
		}
		if err != nil || !slices.Equal(ids, c.quiero) {
			t.Errorf("%s: %v %v, quiero %v", nombre, ids, err, c.quiero)
		}
	}
}

func TestResumen(t *testing.T) {
	a := postgrestest.Nuevo(t)
	if r, err := a.Resumen(t.Context(), time.Minute); err != nil || r.Confirmadas != 0 || r.P50 != nil || len(r.Estados) != 0 {
		t.Errorf("sin compras: %+v %v", r, err)
	}
	for i := range 10 {
		s := a.Compra(t, contracts.EstadoConfirmada)
		a.Hacer(t, `insert into historia (id_compra, numero, paso, tipo) values ($1, 2, 'CONFIRMADA', 'OrdenCreada')`, s.ID)
		a.Hacer(t, `update compra set creada_en = (select en from historia where id_compra = $1 and numero = 2) - make_interval(secs => $2) where id = $1`, s.ID, float64(i+1)/10)
	}
	vieja := a.Compra(t, contracts.EstadoRechazada)
	a.Hacer(t, `update compra set creada_en = creada_en - interval '1 hour' where id = $1`, vieja.ID)
	r, err := a.Resumen(t.Context(), 10*time.Second)
	if err != nil || r.Estados[contracts.EstadoConfirmada] != 10 || r.Estados[contracts.EstadoRechazada] != 1 || r.Confirmadas != 10 || r.Recibidas != 10 || r.PorSegundo != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if r.P50 == nil || *r.P50 < 549 || *r.P50 > 551 || *r.P99 < *r.P95 || *r.P95 < *r.P50 {
		t.Errorf("percentiles %v %v %v", r.P50, r.P95, r.P99)
	}
}

func TestMensajes(t *testing.T) {
	a := postgrestest.Nuevo(t)
	if _, err := a.Mensajes(t.Context(), postgrestest.Solicitud().ID); errores.De(err) != errores.NoEncontrado {
		t.Errorf("de una que no hay: %v", err)
	}
	s := a.Compra(t, contracts.EstadoIniciada)
	if lista, err := a.Mensajes(t.Context(), s.ID); err != nil || len(lista) != 0 {
		t.Errorf("antes de preguntar: %v %v", lista, err)
	}
	for _, comando := range []contracts.Tipo{contracts.ValidarInventario, contracts.ReservarProducto} {
		if _, err := a.Plantear(t.Context(), compras.Cambio{IDCompra: s.ID}, comando, []contracts.Estado{contracts.EstadoIniciada}, true); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []compras.Respuesta{{Tipo: contracts.ReservaRechazada, Motivo: "no hay"}, {Tipo: contracts.ProductosReservados}} { // the second is late
		if _, err := a.AnotarRespuesta(t.Context(), s.ID, contracts.ReservarProducto, r); err != nil {
			t.Fatal(err)
		}
	}
	lista, err := a.Mensajes(t.Context(), s.ID)
	if err != nil || len(lista) != 2 {
		t.Fatalf("%+v %v", lista, err)
	}
	if m := lista[0]; m.Comando != contracts.ValidarInventario || m.Respuesta != "" || m.RespondidaEn != nil || m.Tardias == nil || len(m.Tardias) != 0 {
		t.Errorf("sin respuesta: %+v", m)
	}
	if m := lista[1]; m.Respuesta != contracts.ReservaRechazada || m.Motivo != "no hay" || m.RespondidaEn == nil || len(m.Tardias) != 1 || m.Tardias[0].Tipo != contracts.ProductosReservados {
		t.Errorf("con respuesta: %+v", m)
	}
}

// A purchase that failed can be taken up again any number of times: its history tells each time, without gaps.
func TestReintentar(t *testing.T) {
	a := postgrestest.Nuevo(t)
	s := a.Compra(t, contracts.EstadoProductosValidos)
	mover := func(k compras.Cambio) {
		t.Helper()
		if _, movida, err := a.Mover(t.Context(), k); err != nil || !movida {
			t.Fatalf("%+v: %v", k, err)
		}
	}
	undone := cambio(s.ID, contracts.EstadoCompensando, contracts.EstadoProductosValidos)
	undone.Motivo = "No hay existencias."
	mover(undone)
	for vez := range 2 {
		mover(cambio(s.ID, contracts.EstadoFallida, contracts.EstadoCompensando))
		c, err := a.Reintentar(t.Context(), s.ID, time.Hour)
		if err != nil || c.Estado != contracts.EstadoCompensando || c.Motivo != "No hay existencias." {
			t.Fatalf("vez %d: %+v %v", vez, c, err)
		}
		if d := onlyStalled(t, a); d.ID != s.ID || d.Motivo != c.Motivo || d.Cancelled || !d.Asked || d.Causa != "Prueba" {
			t.Fatalf("vez %d: %+v", vez, d)
		}
		if n, err := a.ClaimReplacement(t.Context(), s.ID, time.Hour); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		if ultimo := c.Historia[len(c.Historia)-1]; ultimo.Paso != "COMPENSANDO" || ultimo.Tipo != "Reintento" || c.Numero() != ultimo.Numero {
			t.Errorf("vez %d: %+v", vez, c.Historia)
		}
		// Each time around tells again what is undone, once.
		for range 2 {
			if _, err := a.AnotarHecho(t.Context(), s.ID, "LiberarReserva", contracts.ReservaLiberada, "x"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := postgrestest.Uno[int](t, a, `select count(*) from historia where id_compra = $1 and paso = 'LiberarReserva'`, s.ID); n != 2 {
		t.Errorf("%d veces liberada", n)
	}
	a.SinHuecos(t, s.ID)
	_, err := a.Reintentar(t.Context(), s.ID, time.Hour)
	esperarCodigo(t, err, errores.Conflicto)
	mover(cambio(s.ID, contracts.EstadoRechazada, contracts.EstadoCompensando))
	_, err = a.Reintentar(t.Context(), s.ID, time.Hour)
	esperarCodigo(t, err, errores.Conflicto)

	pedida := a.Compra(t, contracts.EstadoFallida)
	a.Hacer(t, `update compra set cancelacion_pedida = 'ya no' where id = $1`, pedida.ID)
	if _, err := a.Reintentar(t.Context(), pedida.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	if d := onlyStalled(t, a); d.ID != pedida.ID || !d.Cancelled {
		t.Errorf("la que se canceló: %+v", d)
	}
}
