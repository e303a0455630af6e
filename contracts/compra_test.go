package contracts_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"entregas/contracts"
)

const unaCompra = "01938f5e-7c1a-7000-8000-000000000001"

func buena() contracts.SolicitudCompra {
	return contracts.SolicitudCompra{
		ID: unaCompra, IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}, {IDProducto: "2", Cantidad: 1}},
	}
}

func lineas(n int) []contracts.Linea {
	l := make([]contracts.Linea, n)
	for i := range l {
		l[i] = contracts.Linea{IDProducto: fmt.Sprint(i), Cantidad: 1}
	}
	return l
}

// What is wrong is named by its field; nothing else is.
func TestValidarUnaCompra(t *testing.T) {
	for _, c := range []struct {
		nombre string
		cambio func(s *contracts.SolicitudCompra)
		campos []string // that are wrong, in order
	}{
		{"a good one", func(*contracts.SolicitudCompra) {}, nil},
		{"home delivery", func(s *contracts.SolicitudCompra) { s.Domicilio = true }, nil},
		{"as many lines as may be", func(s *contracts.SolicitudCompra) { s.Productos = lineas(contracts.MaxLineas) }, nil},
		{"as many units as may be", func(s *contracts.SolicitudCompra) { s.Productos[0].Cantidad = contracts.MaxCantidad }, nil},
		{"a customer with accents and spaces", func(s *contracts.SolicitudCompra) { s.IDUsuario = "María José Ñuñez" }, nil},
		{"a customer as long as may be", func(s *contracts.SolicitudCompra) { s.IDUsuario = strings.Repeat("ñ", contracts.MaxIdentificador) }, nil},

		{"no id", func(s *contracts.SolicitudCompra) { s.ID = "" }, []string{"id"}},
		{"an id that is no UUID", func(s *contracts.SolicitudCompra) { s.ID = "compra-1" }, []string{"id"}},
		{"an id in capitals", func(s *contracts.SolicitudCompra) { s.ID = strings.ToUpper(unaCompra) }, []string{"id"}},
		{"an id in braces", func(s *contracts.SolicitudCompra) { s.ID = "{" + unaCompra + "}" }, []string{"id"}},
		{"an id as a URN", func(s *contracts.SolicitudCompra) { s.ID = "urn:uuid:" + unaCompra }, []string{"id"}},
		{"an id without dashes", func(s *contracts.SolicitudCompra) { s.ID = strings.ReplaceAll(unaCompra, "-", "") }, []string{"id"}},
		{"an id of a hundred kilobytes", func(s *contracts.SolicitudCompra) { s.ID = strings.Repeat("a", 100_000) }, []string{"id"}},

		{"no customer", func(s *contracts.SolicitudCompra) { s.IDUsuario = "" }, []string{"id_usuario"}},
		{"a customer of spaces", func(s *contracts.SolicitudCompra) { s.IDUsuario = "   " }, []string{"id_usuario"}},
		{"a customer with a space at the end", func(s *contracts.SolicitudCompra) { s.IDUsuario = "ana " }, []string{"id_usuario"}},
		{"a customer that is too long", func(s *contracts.SolicitudCompra) { s.IDUsuario = strings.Repeat("a", contracts.MaxIdentificador+1) }, []string{"id_usuario"}},
		{"a customer with a line break", func(s *contracts.SolicitudCompra) { s.IDUsuario = "ana\nroot" }, []string{"id_usuario"}},
		{"a customer with a NUL", func(s *contracts.SolicitudCompra) { s.IDUsuario = "ana\x00" }, []string{"id_usuario"}},
		{"a customer that is written backwards", func(s *contracts.SolicitudCompra) { s.IDUsuario = "ana\u202e" }, []string{"id_usuario"}},
		{"a customer that is no UTF-8", func(s *contracts.SolicitudCompra) { s.IDUsuario = "ana\xff" }, []string{"id_usuario"}},

		{"no lines", func(s *contracts.SolicitudCompra) { s.Productos = nil }, []string{"productos"}},
		{"empty lines", func(s *contracts.SolicitudCompra) { s.Productos = []contracts.Linea{} }, []string{"productos"}},
		{"too many lines", func(s *contracts.SolicitudCompra) { s.Productos = lineas(contracts.MaxLineas + 1) }, []string{"productos"}},
		{"no product", func(s *contracts.SolicitudCompra) { s.Productos[0].IDProducto = "" }, []string{"productos[0].id_producto"}},
		{"no product twice is not a repetition", func(s *contracts.SolicitudCompra) { s.Productos[0].IDProducto, s.Productos[1].IDProducto = "", "" },
			[]string{"productos[0].id_producto", "productos[1].id_producto"}},
		{"a product twice", func(s *contracts.SolicitudCompra) { s.Productos[1].IDProducto = "1" }, []string{"productos[1].id_producto"}},
		{"a product with control characters", func(s *contracts.SolicitudCompra) { s.Productos[1].IDProducto = "\t2" }, []string{"productos[1].id_producto"}},
		{"a product that is too long", func(s *contracts.SolicitudCompra) { s.Productos[1].IDProducto = strings.Repeat("9", 65) }, []string{"productos[1].id_producto"}},
		{"none of it", func(s *contracts.SolicitudCompra) { s.Productos[0].Cantidad = 0 }, []string{"productos[0].cantidad"}},
		{"less than none", func(s *contracts.SolicitudCompra) { s.Productos[1].Cantidad = -3 }, []string{"productos[1].cantidad"}},
		{"too much of it", func(s *contracts.SolicitudCompra) { s.Productos[1].Cantidad = contracts.MaxCantidad + 1 }, []string{"productos[1].cantidad"}},

		{"everything at once", func(s *contracts.SolicitudCompra) {
			*s = contracts.SolicitudCompra{Productos: []contracts.Linea{{}, {IDProducto: "2", Cantidad: -1}}}
		}, []string{"id", "id_usuario", "productos[0].id_producto", "productos[0].cantidad", "productos[1].cantidad"}},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			s := buena()
			c.cambio(&s)
			if campos := camposDe(t, s.Validar()); fmt.Sprint(campos) != fmt.Sprint(c.campos) {
				t.Fatalf("son inválidos %v; se esperaba %v", campos, c.campos)
			}
		})
	}
}

// camposDe are the fields that err names. Each says what would be right.
func camposDe(t testing.TB, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var v *contracts.ErrorDeValidacion
	if !errors.As(err, &v) {
		t.Fatalf("no es un error de validación: %v", err)
	}
	var campos []string
	for _, c := range v.Errores {
		if c.Detalle == "" || !strings.Contains(v.Error(), c.Campo+": "+c.Detalle) {
			t.Errorf("%s no dice qué está mal: %v", c.Campo, v)
		}
		campos = append(campos, c.Campo)
	}
	return campos
}

func TestLoValidoCabe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		identificador := rapid.OneOf(rapid.StringN(0, 70, -1), rapid.StringMatching(`[ \ta-zñ]{0,70}`))
		s := contracts.SolicitudCompra{
			ID: rapid.OneOf(rapid.Just(unaCompra), rapid.String()).Draw(t, "id"), IDUsuario: identificador.Draw(t, "usuario"),
			Productos: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) contracts.Linea {
				return contracts.Linea{IDProducto: identificador.Draw(t, "producto"), Cantidad: rapid.IntRange(-2, contracts.MaxCantidad+2).Draw(t, "cantidad")}
			}), 0, 5).Draw(t, "productos"),
		}
		invalidos := map[string]bool{}
		var v *contracts.ErrorDeValidacion
		if errors.As(s.Validar(), &v) {
			for _, c := range v.Errores {
				invalidos[c.Campo] = true
			}
		}
		esperar := func(campo string, bien bool) {
			if invalidos[campo] == bien {
				t.Fatalf("%s de %+v: válido %v, debía ser %v", campo, s, !invalidos[campo], bien)
			}
		}
		esperar("id", s.ID == unaCompra)
		esperar("id_usuario", esIdentificador(s.IDUsuario))
		esperar("productos", len(s.Productos) > 0)
		vistos := map[string]bool{}
		for i, l := range s.Productos {
			esperar(fmt.Sprintf("productos[%d].id_producto", i), esIdentificador(l.IDProducto) && !vistos[l.IDProducto])
			esperar(fmt.Sprintf("productos[%d].cantidad", i), l.Cantidad >= 1 && l.Cantidad <= contracts.MaxCantidad)
			vistos[l.IDProducto] = true
		}
	})
}

// esIdentificador says the rule of Validador.Identificador in another way.
func esIdentificador(s string) bool {
	letras := []rune(s)
	if len(letras) == 0 || len(letras) > contracts.MaxIdentificador || unicode.IsSpace(letras[0]) || unicode.IsSpace(letras[len(letras)-1]) {
		return false
	}
	return utf8.ValidString(s) && !slices.ContainsFunc(letras, func(r rune) bool {
		return !strings.ContainsRune("\u200c\u200d", r) && (r < 0xe0020 || r > 0xe007f) && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	})
}

func TestFaltantes(t *testing.T) {
	hay := map[string]int{"1": 5, "2": 0, "3": 9}
	pedidas := []contracts.Linea{{IDProducto: "1", Cantidad: 5}, {IDProducto: "2", Cantidad: 1}, {IDProducto: "3", Cantidad: 10}, {IDProducto: "x", Cantidad: 2}}
	esperados := []contracts.Faltante{
		{IDProducto: "2", Solicitada: 1, Disponible: 0}, {IDProducto: "3", Solicitada: 10, Disponible: 9}, {IDProducto: "x", Solicitada: 2, Disponible: 0},
	}
	if faltan := contracts.Faltantes(pedidas, hay); fmt.Sprint(faltan) != fmt.Sprint(esperados) {
		t.Fatalf("faltan %v", faltan)
	}
	if faltan := contracts.Faltantes(pedidas[:1], hay); faltan != nil {
		t.Fatalf("no falta nada, y faltan %v", faltan)
	}
}

func TestMotivo(t *testing.T) {
	for motivo, bien := range map[string]bool{
		"": true, "Cambié de idea.": true, strings.Repeat("ñ", contracts.MaxMotivo): true,
		strings.Repeat("a", contracts.MaxMotivo+1): false, "uno\ndos": true, "\xff": false,
	} {
		var v contracts.Validador
		v.Motivo("motivo", motivo)
		if (v.Error() == nil) != bien {
			t.Errorf("%.20q: %v", motivo, v.Error())
		}
	}
}

func TestUnidadesYReposo(t *testing.T) {
	if n := buena().Unidades(); n != 3 {
		t.Errorf("tiene %d unidades", n)
	}
	for estado, reposa := range map[contracts.Estado]bool{
		contracts.EstadoRecibida: false, contracts.EstadoIniciada: false, contracts.EstadoProductosValidos: false,
		contracts.EstadoProductosReservados: false, contracts.EstadoPorAprobar: false, contracts.EstadoCompensando: false,
		contracts.EstadoConfirmada: true, contracts.EstadoDespachada: true, contracts.EstadoRechazada: true,
		contracts.EstadoCancelada: true, contracts.EstadoFallida: true,
	} {
		if estado.Reposa() != reposa {
			t.Errorf("%s reposa: %v", estado, estado.Reposa())
		}
	}
}

// A purchase that is told on eventos-compra is the purchase: a reader of the topic knows as much as one who asks.
func TestLoQueSeCuentaDeUnaCompra(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.Make[contracts.DatosEventoCompra]().Draw(t, "evento")
		if len(e.Historia) > 0 {
			e.Numero = e.Historia[len(e.Historia)-1].Numero
		} else {
			e.Numero = 0
		}
		if vuelto := e.Compra().Evento(); fmt.Sprint(vuelto) != fmt.Sprint(e) {
			t.Fatalf("fue  %+v\nvino %+v", e, vuelto)
		}
	})
}

func TestEsLaMisma(t *testing.T) {
	lineas := []contracts.Linea{{IDProducto: "1", Cantidad: 2}, {IDProducto: "2", Cantidad: 1}}
	c := contracts.Compra{SolicitudCompra: contracts.SolicitudCompra{ID: "c", IDUsuario: "ana", Productos: lineas}, Estado: contracts.EstadoConfirmada, Motivo: "algo"}
	for _, caso := range []struct {
		nombre string
		s      contracts.SolicitudCompra
		igual  bool
	}{
		{"the same", contracts.SolicitudCompra{IDUsuario: "ana", Productos: lineas}, true},
		{"another customer", contracts.SolicitudCompra{IDUsuario: "eva", Productos: lineas}, false},
		{"home delivery", contracts.SolicitudCompra{IDUsuario: "ana", Productos: lineas, Domicilio: true}, false},
		{"a line less", contracts.SolicitudCompra{IDUsuario: "ana", Productos: lineas[:1]}, false},
		{"another order", contracts.SolicitudCompra{IDUsuario: "ana", Productos: []contracts.Linea{lineas[1], lineas[0]}}, false},
	} {
		if c.EsLaMisma(caso.s) != caso.igual {
			t.Errorf("%s: es la misma: %v", caso.nombre, !caso.igual)
		}
	}
}
