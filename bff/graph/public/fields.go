package public

import (
	"context"
	"maps"
	"slices"

	"entregas/contracts"
)

type ofMessage struct{}

func (ofMessage) Comando(_ context.Context, m *contracts.MensajeDeSaga) (string, error) {
	return string(m.Comando), nil
}

func (ofMessage) Respuesta(_ context.Context, m *contracts.MensajeDeSaga) (string, error) {
	return string(m.Respuesta), nil
}

type ofDeadLetter struct{}

func (ofDeadLetter) Registro(_ context.Context, m *contracts.MensajeMuerto) (string, error) {
	return string(m.Registro), nil
}

type ofLate struct{}

func (ofLate) Tipo(_ context.Context, t *contracts.RespuestaTardia) (string, error) {
	return string(t.Tipo), nil
}

type ofOrden struct{}

func (ofOrden) Estado(_ context.Context, o *contracts.Orden) (string, error) {
	return string(o.Estado), nil
}

type ofSample struct{}

func (ofSample) Pendientes(_ context.Context, m *contracts.MuestraDeColas) ([]Pendientes, error) {
	list := []Pendientes{}
	for _, topic := range slices.Sorted(maps.Keys(m.Pendientes)) {
		list = append(list, Pendientes{Tema: topic, Pendientes: int(m.Pendientes[topic])})
	}
	return list, nil
}

type ofSummary struct{}

func (ofSummary) Estados(_ context.Context, r *contracts.Resumen) ([]ComprasEnEstado, error) {
	list := []ComprasEnEstado{}
	for _, e := range contracts.Estados {
		if n := r.Estados[e]; n > 0 {
			list = append(list, ComprasEnEstado{Estado: e, Cuantas: n})
		}
	}
	return list, nil
}
