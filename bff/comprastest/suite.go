package comprastest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"entregas/services/bff/compras"
)

// ProbarAlmacen holds a to what compras.Almacen says, races included. Its keys are its own.
func ProbarAlmacen(t *testing.T, a compras.Almacen) {
	ctx := context.Background()
	nueva := func() string { return "prueba/" + uuid.NewString() }
	leer := func(t *testing.T, clave string) compras.Valor {
		t.Helper()
		valores, err := a.Leer(ctx, clave)
		if err != nil || len(valores) != 1 {
			t.Fatalf("Leer(%s): %v, %v", clave, valores, err)
		}
		return valores[0]
	}
	espera := func(t *testing.T, que string, err, quiero error) {
		t.Helper()
		if !errors.Is(err, quiero) {
			t.Fatalf("%s: %v, quiero %v", que, err, quiero)
		}
	}

	t.Run("lo que no está", func(t *testing.T) {
		clave := nueva()
		if v := leer(t, clave); v.Version != "" {
			t.Errorf("Version %q", v.Version)
		}
		espera(t, "Reemplazar", a.Reemplazar(ctx, clave, uuid.NewString(), []byte("x"), time.Minute), compras.ErrYaCambio)
		espera(t, "Borrar", a.Borrar(ctx, clave, uuid.NewString()), compras.ErrYaCambio)
	})
	t.Run("crear, reemplazar y borrar", func(t *testing.T) {
		clave := nueva()
		espera(t, "Crear", a.Crear(ctx, clave, []byte("uno"), time.Minute), nil)
		espera(t, "Crear otra vez", a.Crear(ctx, clave, []byte("dos"), time.Minute), compras.ErrYaCambio)
		primero := leer(t, clave)
		espera(t, "Reemplazar", a.Reemplazar(ctx, clave, primero.Version, []byte("tres"), time.Minute), nil)
		espera(t, "Reemplazar con una versión vieja", a.Reemplazar(ctx, clave, primero.Version, []byte("cuatro"), time.Minute), compras.ErrYaCambio)
		espera(t, "Borrar con una versión vieja", a.Borrar(ctx, clave, primero.Version), compras.ErrYaCambio)
		segundo := leer(t, clave)
		if string(primero.Texto) != "uno" || string(segundo.Texto) != "tres" || primero.Version == segundo.Version {
			t.Errorf("primero %s, segundo %s", primero, segundo)
		}
		espera(t, "Borrar", a.Borrar(ctx, clave, segundo.Version), nil)
		espera(t, "Crear lo borrado", a.Crear(ctx, clave, []byte("cinco"), time.Minute), nil)
	})
	t.Run("lo que venció se puede crear", func(t *testing.T) {
		clave := nueva()
		espera(t, "Crear", a.Crear(ctx, clave, []byte("uno"), time.Second), nil)
		time.Sleep(1200 * time.Millisecond)
		if v := leer(t, clave); v.Version != "" {
			t.Errorf("sigue: %s", v)
		}
		espera(t, "Crear", a.Crear(ctx, clave, []byte("dos"), time.Minute), nil)
	})
	t.Run("varias a la vez, en su orden", func(t *testing.T) {
		claves := []string{nueva(), nueva(), nueva()}
		espera(t, "Crear", a.Crear(ctx, claves[2], []byte("c"), time.Minute), nil)
		espera(t, "Crear", a.Crear(ctx, claves[0], []byte("a"), time.Minute), nil)
		valores, err := a.Leer(ctx, claves...)
		if err != nil || string(valores[0].Texto) != "a" || valores[1].Version != "" || string(valores[2].Texto) != "c" {
			t.Errorf("%s, %v", valores, err)
		}
	})
	t.Run("el primero gana", func(t *testing.T) {
		for range 20 {
			clave := nueva()
			if ganan := aLaVez(20, func(i int) error { return a.Crear(ctx, clave, []byte(strconv.Itoa(i)), time.Minute) }); ganan != 1 {
				t.Fatalf("crearon %d", ganan)
			}
			version := leer(t, clave).Version
			if ganan := aLaVez(20, func(i int) error { return a.Reemplazar(ctx, clave, version, []byte(strconv.Itoa(i)), time.Minute) }); ganan != 1 {
				t.Fatalf("reemplazaron %d", ganan)
			}
		}
	})
}

// aLaVez runs f n times at once and gives how many had no error.
func aLaVez(n int, f func(i int) error) (bien int) {
	var mu sync.Mutex
	var todos sync.WaitGroup
	for i := range n {
		todos.Go(func() {
			if f(i) == nil {
				mu.Lock()
				defer mu.Unlock()
				bien++
			}
		})
	}
	todos.Wait()
	return bien
}
