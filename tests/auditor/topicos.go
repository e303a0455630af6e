package auditor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/hamba/avro/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func cada[T any](ctx context.Context, tx pgx.Tx, consulta string, con func(T)) error {
	leidas, err := tx.Query(ctx, consulta)
	if err != nil {
		return err
	}
	todas, err := pgx.CollectRows(leidas, pgx.RowToStructByPos[T])
	for _, f := range todas {
		con(f)
	}
	return err
}

// unpublished are the events of ordenes that were never told, or whose second telling is overdue. One that was told waits a
// minute for the second.
const unpublished = `select count(*) from outbox where tell_again_at is null or tell_again_at < now() - interval '30 s'`

// pendientes: nothing is left in flight, in any outbox or any queue.
func (a *Auditor) pendientes(ctx context.Context, i *Informe) error {
	type tramite struct{ IDCompra, Tipo string }
	abiertos, err := filas[tramite](ctx, a.gestor, `select id_compra, tipo from tramite where terminado_en is null
		union all select id_compra, 'decision sin entregar' from decision where not entregada
		union all select distinct id_compra, 'historia sin publicar' from historia where not publicada`)
	if err != nil {
		return err
	}
	for _, t := range abiertos {
		i.falta(t.IDCompra, "queda en curso: %s", t.Tipo)
	}
	var n int
	if err := a.ordenes.QueryRow(ctx, unpublished).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		i.falta("", "ordenes tiene %d avisos sin publicar", n)
	}
	if err := a.hallazgos(ctx, i); err != nil {
		return err
	}
	temas, err := pedir[[]string](ctx, a.admin+"/admin/v2/persistent/public/default")
	if err != nil {
		return err
	}
	for _, tema := range temas {
		corto := tema[strings.LastIndex(tema, "/")+1:]
		e, err := pedir[struct {
			Suscripciones map[string]struct {
				Pendientes int  `json:"msgBacklog"`
				Durable    bool `json:"isDurable"`
			} `json:"subscriptions"`
		}](ctx, a.admin+"/admin/v2/persistent/public/default/"+corto+"/stats?getPreciseBacklog=true")
		if err != nil {
			return err
		}
		for quien, s := range e.Suscripciones {
			if origen, muertos := strings.CutSuffix(corto, "-dlq"); muertos {
				i.Muertos[origen] += s.Pendientes
			} else if s.Durable && s.Pendientes > 0 {
				i.falta("", "quedan %d mensajes de %s sin atender por %s", s.Pendientes, corto, quien)
			}
		}
	}
	return nil
}

// hallazgos: the reconcilers had nothing to mend, but for workflows that an engine under fault left standing.
func (a *Auditor) hallazgos(ctx context.Context, i *Informe) error {
	type hallazgo struct{ IDCompra, Que, Estado, Hecho string }
	for _, base := range []*pgxpool.Pool{a.gestor, a.productos} {
		hallados, err := filas[hallazgo](ctx, base, `select id_compra, que, estado, hecho from hallazgo`)
		if err != nil {
			return err
		}
		for _, h := range hallados {
			if h.Hecho == "relevado" {
				i.Replaced++
				continue
			}
			i.falta(h.IDCompra, "el reconciliador halló: %s %s (%s)", h.Que, h.Estado, h.Hecho)
		}
	}
	return nil
}

func pedir[T any](ctx context.Context, direccion string) (T, error) {
	var v T
	peticion, err := http.NewRequestWithContext(ctx, http.MethodGet, direccion, nil)
	if err != nil {
		return v, err
	}
	r, err := http.DefaultClient.Do(peticion)
	if err != nil {
		return v, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return v, fmt.Errorf("GET %s: %s", direccion, r.Status)
	}
	return v, json.NewDecoder(r.Body).Decode(&v)
}

// evento is the part of a record of eventos-compra that is looked at.
type evento struct {
	Data struct {
		IDCompra string `avro:"id_compra"`
		Numero   int    `avro:"numero"`
		Estado   string `avro:"estado"`
	} `avro:"data"`
}

// eventos: a reader of the topic alone knows the same as the database.
func (a *Auditor) eventos(ctx context.Context, i *Informe, compras map[string]compra) error {
	ultimos := map[string]evento{}
	err := a.recorrer(ctx, "eventos-compra", func(e evento, _ time.Time) {
		i.Eventos++
		if e.Data.Numero >= ultimos[e.Data.IDCompra].Data.Numero {
			ultimos[e.Data.IDCompra] = e
		}
	})
	if err != nil {
		return err
	}
	for id, c := range compras {
		if u := ultimos[id].Data; u.Numero != c.Numero || u.Estado != c.Estado {
			i.falta(id, "está %s (%d) y eventos-compra dice %s (%d)", c.Estado, c.Numero, u.Estado, u.Numero)
		}
	}
	for id := range ultimos {
		if _, hay := compras[id]; !hay {
			i.falta(id, "eventos-compra la conoce y no está")
		}
	}
	return nil
}

// recorrer reads a topic from its first record to its last, with the schema of the broker's registry.
func (a *Auditor) recorrer(ctx context.Context, tema string, ver func(e evento, en time.Time)) error {
	r, err := pedir[struct {
		Texto string `json:"data"`
	}](ctx, a.admin+"/admin/v2/schemas/public/default/"+tema+"/schema")
	if err != nil {
		return err
	}
	esquema, err := avro.ParseBytesWithCache([]byte(r.Texto), "", &avro.SchemaCache{})
	if err != nil {
		return err
	}
	lector, err := a.broker.CreateReader(pulsar.ReaderOptions{Topic: "persistent://public/default/" + tema, StartMessageID: pulsar.EarliestMessageID()})
	if err != nil {
		return err
	}
	defer lector.Close()
	for lector.HasNext() {
		m, err := lector.Next(ctx)
		if err != nil {
			return err
		}
		var e evento
		if err := avro.Unmarshal(esquema, m.Payload(), &e); err != nil {
			return fmt.Errorf("%s: %w", tema, err)
		}
		ver(e, m.PublishTime())
	}
	return nil
}
