package cliente

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entregas/contracts"
)

// ErrBasta is what a listener returns when it has seen enough.
var ErrBasta = errors.New("basta")

// Evento is a server-sent event, or a comment between two: its text is in Datos.
type Evento struct {
	ID, Nombre, Datos string
	Comentario        bool
}

// Eventos opens a live stream at ruta and gives each event to oir, until the stream ends (nil), oir returns ErrBasta (nil)
// or something fails. An answer that is no stream is a *Problema; 204 ends it at once.
func (c *Cliente) Eventos(ctx context.Context, ruta, ultimoID string, oir func(Evento) error) error {
	ctx, soltar := context.WithCancel(ctx)
	defer soltar()
	peticion, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+ruta, nil)
	if err != nil {
		return err
	}
	peticion.Header.Set("Accept", "text/event-stream")
	if ultimoID != "" {
		peticion.Header.Set("Last-Event-ID", ultimoID)
	}
	if err := c.acreditar(peticion); err != nil {
		return err
	}
	r, err := c.http.Do(peticion)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode == http.StatusNoContent {
		return nil
	}
	if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
		texto, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16)) // what came of it is enough for a message
		return fmt.Errorf("GET %s: %w", ruta, Respuesta{Estado: r.StatusCode, Cuerpo: texto}.Problema())
	}
	err = leerEventos(r.Body, oir)
	if errors.Is(err, ErrBasta) {
		return nil
	}
	return err
}

func leerEventos(r io.Reader, oir func(Evento) error) error {
	lineas := bufio.NewScanner(r)
	lineas.Buffer(nil, 8<<20)
	var e Evento
	for lineas.Scan() {
		campo, valor, _ := strings.Cut(lineas.Text(), ":")
		valor = strings.TrimPrefix(valor, " ")
		switch campo {
		case "id":
			e.ID = valor
		case "event":
			e.Nombre = valor
		case "data":
			e.Datos += valor
		case "": // an empty line ends an event; one that begins with a colon is a comment
			terminado := e
			if lineas.Text() == "" {
				e = Evento{}
			} else {
				terminado = Evento{Datos: valor, Comentario: true}
			}
			if terminado.Datos == "" {
				continue
			}
			if err := oir(terminado); err != nil {
				return err
			}
		}
	}
	return lineas.Err()
}

// cadaCuanto is how often a purchase is read where there is no live stream.
const cadaCuanto = 50 * time.Millisecond

// Seguir gives the purchase to oir after each change, from its first on, until oir returns ErrBasta (then nil) or another
// error (then that one), or ctx ends. It listens to the live stream, goes on where it was when that is cut, and reads
// again and again where there is none.
func (c *Cliente) Seguir(ctx context.Context, id string, oir func(contracts.Compra) error) error {
	ultimo, fin := "", error(nil)
	for intento := 0; intento < 3; intento++ {
		err := c.Eventos(ctx, "/compras/"+url.PathEscape(id)+"/eventos", ultimo, func(e Evento) error {
			if e.Comentario {
				return nil
			}
			var compra contracts.Compra
			if err := json.Unmarshal([]byte(e.Datos), &compra); err != nil {
				return fmt.Errorf("evento %s: %w", e.ID, err)
			}
			intento, ultimo = 0, e.ID
			fin = oir(compra)
			return fin
		})
		if fin != nil {
			return sinBasta(fin)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var problema *Problema
		if errors.As(err, &problema) && problema.Status < http.StatusInternalServerError {
			break // there is no such stream
		}
	}
	return c.mirar(ctx, id, oir)
}

// mirar is Seguir by reading.
func (c *Cliente) mirar(ctx context.Context, id string, oir func(contracts.Compra) error) error {
	numero := -1
	var ultimo error
	for {
		compra, err := c.Leer(ctx, id)
		var problema *Problema
		if errors.As(err, &problema) && problema.Status == http.StatusNotFound {
			return err
		}
		if err != nil {
			ultimo = err
		} else if compra.Numero() > numero {
			numero = compra.Numero()
			if err := oir(compra); err != nil {
				return sinBasta(err)
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), ultimo)
		case <-time.After(cadaCuanto):
		}
	}
}

func sinBasta(err error) error {
	if errors.Is(err, ErrBasta) {
		return nil
	}
	return err
}
