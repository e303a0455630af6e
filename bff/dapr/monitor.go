package dapr

import (
	"context"
	"time"

	"entregas/contracts"
	"entregas/internal/api/monitor"
	"entregas/internal/errs"
)

// Monitor calls the service monitor. It implements access.Monitor.
type Monitor struct{ *Service }

func (m Monitor) api() *monitor.ClientWithResponses {
	return &monitor.ClientWithResponses{ClientInterface: &monitor.Client{Server: m.server(), Client: m}}
}

// Colas implements access.Monitor.
func (m Monitor) Colas(ctx context.Context, minutes int) (contracts.Colas, error) {
	c := contracts.Colas{Muestras: []contracts.MuestraDeColas{}, Ahora: []contracts.ColaAhora{}}
	r, err := m.api().LeerColasWithResponse(ctx)
	i, err := answer(ctx, m.Service, r, err, monitor.LeerColasResponse.GetJSON200)
	if err != nil {
		return c, err
	}
	c.Broker = i.Broker
	for n, at := range i.Instantes {
		if i.En.Sub(at) > time.Duration(minutes)*time.Minute {
			continue
		}
		sample := contracts.MuestraDeColas{En: at, Pendientes: map[string]int64{}}
		for _, queue := range i.Colas {
			if n < len(queue.Serie.Pendientes) && queue.Serie.Pendientes[n] != nil {
				sample.Pendientes[queue.Tema] += *queue.Serie.Pendientes[n]
			}
		}
		c.Muestras = append(c.Muestras, sample)
	}
	for _, queue := range i.Colas {
		if queue.Pendientes != nil && queue.Consumidores != nil {
			c.Ahora = append(c.Ahora, contracts.ColaAhora{
				Tema: queue.Tema, Suscripcion: queue.Suscripcion, Pendientes: *queue.Pendientes, Replicas: *queue.Consumidores, Edad: queue.EdadSegundos,
				Entrada: queue.EntradaPorSegundo, Salida: queue.SalidaPorSegundo, ParaVaciar: queue.SegundosParaVaciar,
			})
		}
	}
	return c, nil
}

// DeadLetters implements access.Monitor.
func (m Monitor) DeadLetters(ctx context.Context, f contracts.MensajesMuertosFilter) ([]contracts.MensajeMuerto, error) {
	params := monitor.ListarMensajesMuertosParams{Tema: unlessEmpty(f.Tema), Origen: unlessEmpty(f.Origen), Motivo: unlessEmpty(f.Motivo), Descartados: &f.Descartados}
	if !f.Desde.IsZero() {
		params.Desde = &f.Desde
	}
	if !f.Hasta.IsZero() {
		params.Hasta = &f.Hasta
	}
	r, err := m.api().ListarMensajesMuertosWithResponse(ctx, &params)
	list, err := answer(ctx, m.Service, r, err, monitor.ListarMensajesMuertosResponse.GetJSON200)
	if list == nil {
		list = []contracts.MensajeMuerto{}
	}
	return list, err
}

// DeadLetter implements access.Monitor.
func (m Monitor) DeadLetter(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	r, err := m.api().LeerMensajeMuertoWithResponse(ctx, segment(id))
	return answer(ctx, m.Service, r, err, monitor.LeerMensajeMuertoResponse.GetJSON200)
}

// PutBackDeadLetters implements access.Monitor.
func (m Monitor) PutBackDeadLetters(ctx context.Context, ids []string) ([]contracts.ResultadoDeDevolucion, error) {
	r, err := m.api().DevolverMensajesWithResponse(ctx, contracts.DevolucionDeMensajes{IDs: ids})
	return answer(ctx, m.Service, r, err, monitor.DevolverMensajesResponse.GetJSON200)
}

// Discard implements access.Monitor.
func (m Monitor) Discard(ctx context.Context, id, motivo string) (contracts.MensajeMuerto, error) {
	r, err := m.api().DescartarMensajeWithResponse(ctx, segment(id), contracts.DescarteDeMensaje{Motivo: motivo})
	return answer(ctx, m.Service, r, err, monitor.DescartarMensajeResponse.GetJSON202)
}

// PutBackDeadLetter implements access.Monitor.
func (m Monitor) PutBackDeadLetter(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	r, err := m.api().DevolverMensajeWithResponse(ctx, segment(id))
	return answer(ctx, m.Service, r, err, monitor.DevolverMensajeResponse.GetJSON202)
}

// SetAside implements access.Monitor.
func (m Monitor) SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	r, err := m.api().ApartarMensajeWithResponse(ctx, segment(id))
	return answer(ctx, m.Service, r, err, monitor.ApartarMensajeResponse.GetJSON202)
}

// CountDeadLetters implements access.Monitor. It reads the length of the queues that hold dead letters.
func (m Monitor) CountDeadLetters(ctx context.Context) (int, error) {
	r, err := m.api().LeerColasWithResponse(ctx)
	report, err := answer(ctx, m.Service, r, err, monitor.LeerColasResponse.GetJSON200)
	if err == nil && !report.Broker {
		err = errs.New(errs.Unavailable, "El broker no responde.")
	}
	if err != nil {
		return 0, err
	}
	n := 0
	for _, queue := range report.Colas {
		if queue.MensajesMuertos && queue.Pendientes != nil {
			n += int(*queue.Pendientes)
		}
	}
	return n, nil
}
