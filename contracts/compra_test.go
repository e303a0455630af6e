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

const oneCompra = "01938f5e-7c1a-7000-8000-000000000001"

func good() contracts.SolicitudCompra {
	return contracts.SolicitudCompra{
		ID: oneCompra, IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}, {IDProducto: "2", Cantidad: 1}},
	}
}

var address = contracts.Direccion{Destinatario: "Ana Ñuñez", Calle: "Calle 10 # 5-20, apto. 301", Ciudad: "Bogotá", Telefono: "+57 (1) 555-0100"}

// toAddress makes s a purchase with home delivery to the address, after change has changed it.
func toAddress(s *contracts.SolicitudCompra, change func(*contracts.Direccion)) {
	d := address
	change(&d)
	s.Domicilio, s.Direccion = true, &d
}

func lineas(n int) []contracts.Linea {
	l := make([]contracts.Linea, n)
	for i := range l {
		l[i] = contracts.Linea{IDProducto: fmt.Sprint(i), Cantidad: 1}
	}
	return l
}

// Validate names each wrong field, and no other.
func TestValidateCompra(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *contracts.SolicitudCompra)
		fields []string // the wrong fields, in order
	}{
		{"a good one", func(*contracts.SolicitudCompra) {}, nil},
		{"home delivery", func(s *contracts.SolicitudCompra) { s.Domicilio = true }, nil},
		{"as many lines as may be", func(s *contracts.SolicitudCompra) { s.Productos = lineas(contracts.MaxLineas) }, nil},
		{"as many units as may be", func(s *contracts.SolicitudCompra) { s.Productos[0].Cantidad = contracts.MaxCantidad }, nil},
		{"a customer with accents and spaces", func(s *contracts.SolicitudCompra) { s.IDUsuario = "María José Ñuñez" }, nil},
		{"a customer as long as may be", func(s *contracts.SolicitudCompra) { s.IDUsuario = strings.Repeat("ñ", contracts.MaxIdentifier) }, nil},

		{"no id", func(s *contracts.SolicitudCompra) { s.ID = "" }, []string{"id"}},
		{"an id that is no UUID", func(s *contracts.SolicitudCompra) { s.ID = "compra-1" }, []string{"id"}},
		{"an id in capitals", func(s *contracts.SolicitudCompra) { s.ID = strings.ToUpper(oneCompra) }, []string{"id"}},
		{"an id in braces", func(s *contracts.SolicitudCompra) { s.ID = "{" + oneCompra + "}" }, []string{"id"}},
		{"an id as a URN", func(s *contracts.SolicitudCompra) { s.ID = "urn:uuid:" + oneCompra }, []string{"id"}},
		{"an id without dashes", func(s *contracts.SolicitudCompra) { s.ID = strings.ReplaceAll(oneCompra, "-", "") }, []string{"id"}},
		{"an id of a hundred kilobytes", func(s *contracts.SolicitudCompra) { s.ID = strings.Repeat("a", 100_000) }, []string{"id"}},

		{"no customer", func(s *contracts.SolicitudCompra) { s.IDUsuario = "" }, []string{"id_usuario"}},
		{"a customer of spaces", func(s *contracts.SolicitudCompra) { s.IDUsuario = "   " }, []string{"id_usuario"}},
		{"a customer with a space at the end", func(s *contracts.SolicitudCompra) { s.IDUsuario = "ana " }, []string{"id_usuario"}},
		{"a customer that is too long", func(s *contracts.SolicitudCompra) { s.IDUsuario = strings.Repeat("a", contracts.MaxIdentifier+1) }, []string{"id_usuario"}},
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

		{"an address", func(s *contracts.SolicitudCompra) { toAddress(s, func(*contracts.Direccion) {}) }, nil},
		{"an address as long as may be", func(s *contracts.SolicitudCompra) {
			toAddress(s, func(d *contracts.Direccion) {
				d.Destinatario, d.Calle = strings.Repeat("ñ", contracts.MaxDestinatario), strings.Repeat("ñ", contracts.MaxCalle)
				d.Ciudad, d.Telefono = strings.Repeat("ñ", contracts.MaxCiudad), "+123456789012345    "[:16]
			})
		}, nil},
		{"the shortest telephone number", func(s *contracts.SolicitudCompra) {
			toAddress(s, func(d *contracts.Direccion) { d.Telefono = "5550100" })
		}, nil},
		{"an empty address", func(s *contracts.SolicitudCompra) {
			toAddress(s, func(d *contracts.Direccion) { *d = contracts.Direccion{} })
		},
			[]string{"direccion.destinatario", "direccion.calle", "direccion.ciudad", "direccion.telefono"}},
		{"an address that is too long", func(s *contracts.SolicitudCompra) {
			toAddress(s, func(d *contracts.Direccion) {
				d.Destinatario, d.Calle = strings.Repeat("a", contracts.MaxDestinatario+1), strings.Repeat("a", contracts.MaxCalle+1)
				d.Ciudad, d.Telefono = strings.Repeat("a", contracts.MaxCiudad+1), "123456789012345      "
			})
		}, []string{"direccion.destinatario", "direccion.calle", "direccion.ciudad", "direccion.telefono"}},
		{"an address of several lines", func(s *contracts.SolicitudCompra) {
			toAddress(s, func(d *contracts.Direccion) {
				d.Destinatario, d.Calle, d.Ciudad, d.Telefono = "Ana\nroot", "a\tb", "\u202eátogoB", "555\n0100"
			})
		}, []string{"direccion.destinatario", "direccion.calle", "direccion.ciudad", "direccion.telefono"}},
		{"an address that is no UTF-8", func(s *contracts.SolicitudCompra) {
			toAddress(s, func(d *contracts.Direccion) {
				d.Destinatario, d.Calle, d.Ciudad, d.Telefono = "\xff", "\x00", " Bogotá", "５５５０１００"
			})
		}, []string{"direccion.destinatario", "direccion.calle", "direccion.ciudad", "direccion.telefono"}},
		{"a telephone number with too few digits", func(s *contracts.SolicitudCompra) {
			toAddress(s, func(d *contracts.Direccion) { d.Telefono = "555-010 (+)" })
		},
			[]string{"direccion.telefono"}},
		{"a telephone number with too many digits", func(s *contracts.SolicitudCompra) {
			toAddress(s, func(d *contracts.Direccion) { d.Telefono = "1234567890123456" })
		},
			[]string{"direccion.telefono"}},
		{"a telephone number with a letter", func(s *contracts.SolicitudCompra) {
			toAddress(s, func(d *contracts.Direccion) { d.Telefono = "555-0100 x2" })
		},
			[]string{"direccion.telefono"}},
		{"an address without home delivery", func(s *contracts.SolicitudCompra) { s.Direccion = &contracts.Direccion{} }, []string{"direccion"}},
		{"each shop", func(s *contracts.SolicitudCompra) { s.Tienda = contracts.Tiendas[len(contracts.Tiendas)-1].ID }, nil},
		{"an unknown shop", func(s *contracts.SolicitudCompra) { s.Tienda = "Chapinero" }, []string{"tienda"}},
		{"a shop with a control character", func(s *contracts.SolicitudCompra) { s.Tienda = "chapinero\x00" }, []string{"tienda"}},
		{"a shop with home delivery", func(s *contracts.SolicitudCompra) { s.Domicilio, s.Tienda = true, contracts.Tiendas[0].ID }, []string{"tienda"}},

		{"everything at once", func(s *contracts.SolicitudCompra) {
			*s = contracts.SolicitudCompra{Productos: []contracts.Linea{{}, {IDProducto: "2", Cantidad: -1}}}
		}, []string{"id", "id_usuario", "productos[0].id_producto", "productos[0].cantidad", "productos[1].cantidad"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good()
			c.change(&s)
			if fields := fieldsOf(t, s.Validate()); fmt.Sprint(fields) != fmt.Sprint(c.fields) {
				t.Fatalf("the wrong fields are %v, want %v", fields, c.fields)
			}
		})
	}
}

// fieldsOf returns the fields that err names. Each must say what would be right.
func fieldsOf(t testing.TB, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var v *contracts.ValidationError
	if !errors.As(err, &v) {
		t.Fatalf("this is no ValidationError: %v", err)
	}
	var fields []string
	for _, c := range v.Errores {
		if c.Detalle == "" || !strings.Contains(v.Error(), c.Field+": "+c.Detalle) {
			t.Errorf("%s does not say what is wrong: %v", c.Field, v)
		}
		fields = append(fields, c.Field)
	}
	return fields
}

func TestWhatIsValidFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		identifier := rapid.OneOf(rapid.StringN(0, 70, -1), rapid.StringMatching(`[ \ta-zñ]{0,70}`))
		s := contracts.SolicitudCompra{
			ID: rapid.OneOf(rapid.Just(oneCompra), rapid.String()).Draw(t, "id"), IDUsuario: identifier.Draw(t, "customer"),
			Productos: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) contracts.Linea {
				return contracts.Linea{IDProducto: identifier.Draw(t, "product"), Cantidad: rapid.IntRange(-2, contracts.MaxCantidad+2).Draw(t, "cantidad")}
			}), 0, 5).Draw(t, "productos"),
		}
		invalid := map[string]bool{}
		var v *contracts.ValidationError
		if errors.As(s.Validate(), &v) {
			for _, c := range v.Errores {
				invalid[c.Field] = true
			}
		}
		expect := func(field string, good bool) {
			if invalid[field] == good {
				t.Fatalf("%s of %+v: valid is %v, want %v", field, s, !invalid[field], good)
			}
		}
		expect("id", s.ID == oneCompra)
		expect("id_usuario", isIdentifier(s.IDUsuario))
		expect("productos", len(s.Productos) > 0)
		seen := map[string]bool{}
		for i, l := range s.Productos {
			expect(fmt.Sprintf("productos[%d].id_producto", i), isIdentifier(l.IDProducto) && !seen[l.IDProducto])
			expect(fmt.Sprintf("productos[%d].cantidad", i), l.Cantidad >= 1 && l.Cantidad <= contracts.MaxCantidad)
			seen[l.IDProducto] = true
		}
	})
}

// isIdentifier is the rule of Validator.Identifier, written in another way.
func isIdentifier(s string) bool {
	runes := []rune(s)
	if len(runes) == 0 || len(runes) > contracts.MaxIdentifier || unicode.IsSpace(runes[0]) || unicode.IsSpace(runes[len(runes)-1]) {
		return false
	}
	return utf8.ValidString(s) && !slices.ContainsFunc(runes, func(r rune) bool {
		return !strings.ContainsRune("\u200c\u200d", r) && (r < 0xe0020 || r > 0xe007f) && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	})
}

func TestFaltantes(t *testing.T) {
	stock := map[string]int{"1": 5, "2": 0, "3": 9}
	requested := []contracts.Linea{{IDProducto: "1", Cantidad: 5}, {IDProducto: "2", Cantidad: 1}, {IDProducto: "3", Cantidad: 10}, {IDProducto: "x", Cantidad: 2}}
	expected := []contracts.Faltante{
		{IDProducto: "2", Solicitada: 1, Disponible: 0}, {IDProducto: "3", Solicitada: 10, Disponible: 9}, {IDProducto: "x", Solicitada: 2, Disponible: 0},
	}
	if missing := contracts.Faltantes(requested, stock); fmt.Sprint(missing) != fmt.Sprint(expected) {
		t.Fatalf("the missing products are %v", missing)
	}
	if missing := contracts.Faltantes(requested[:1], stock); missing != nil {
		t.Fatalf("nothing is missing, but Faltantes returns %v", missing)
	}
}

func TestMotivo(t *testing.T) {
	for motivo, good := range map[string]bool{
		"": true, "Cambié de idea.": true, strings.Repeat("ñ", contracts.MaxMotivo): true,
		strings.Repeat("a", contracts.MaxMotivo+1): false, "uno\ndos": true, "\xff": false,
	} {
		var v contracts.Validator
		v.Motivo("motivo", motivo)
		if (v.Error() == nil) != good {
			t.Errorf("%.20q: %v", motivo, v.Error())
		}
	}
}

func TestUnidadesAndRest(t *testing.T) {
	if n := good().Unidades(); n != 3 {
		t.Errorf("it has %d units, want 3", n)
	}
	for estado, atRest := range map[contracts.Estado]bool{
		contracts.EstadoRecibida: false, contracts.EstadoIniciada: false, contracts.EstadoProductosValidos: false,
		contracts.EstadoProductosReservados: false, contracts.EstadoPorAprobar: false, contracts.EstadoCompensando: false,
		contracts.EstadoConfirmada: true, contracts.EstadoDespachada: true, contracts.EstadoRechazada: true,
		contracts.EstadoCancelada: true, contracts.EstadoFallida: true,
	} {
		if estado.AtRest() != atRest {
			t.Errorf("%s: at rest is %v", estado, estado.AtRest())
		}
	}
}

// An event about a purchase has the whole purchase: a reader of the topic needs no query.
func TestWhatIsToldOfACompra(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.Make[contracts.DatosEventoCompra]().Draw(t, "event")
		e.Numero, e.Autores = len(e.Historia), nil
		for i := range e.Historia {
			if e.Historia[i].Numero = i + 1; rapid.Bool().Draw(t, "by a person") {
				e.Autores = append(e.Autores, contracts.Autor{Numero: i + 1, Sujeto: rapid.String().Draw(t, "subject"), Rol: contracts.RolCliente})
			}
		}
		if back := e.Compra().Event(); fmt.Sprint(back) != fmt.Sprint(e) {
			t.Fatalf("was  %+v\ncame %+v", e, back)
		}
	})
}

func TestIsTheSame(t *testing.T) {
	lineas := []contracts.Linea{{IDProducto: "1", Cantidad: 2}, {IDProducto: "2", Cantidad: 1}}
	c := contracts.Compra{SolicitudCompra: contracts.SolicitudCompra{ID: "c", IDUsuario: "ana", Productos: lineas}, Estado: contracts.EstadoConfirmada, Motivo: "algo"}
	for _, tc := range []struct {
		name  string
		s     contracts.SolicitudCompra
		equal bool
	}{
		{"the same", contracts.SolicitudCompra{IDUsuario: "ana", Productos: lineas}, true},
		{"another customer", contracts.SolicitudCompra{IDUsuario: "eva", Productos: lineas}, false},
		{"home delivery", contracts.SolicitudCompra{IDUsuario: "ana", Productos: lineas, Domicilio: true}, false},
		{"an address", contracts.SolicitudCompra{IDUsuario: "ana", Productos: lineas, Direccion: &address}, false},
		{"a shop", contracts.SolicitudCompra{IDUsuario: "ana", Productos: lineas, Tienda: contracts.Tiendas[0].ID}, false},
		{"a line less", contracts.SolicitudCompra{IDUsuario: "ana", Productos: lineas[:1]}, false},
		{"another order", contracts.SolicitudCompra{IDUsuario: "ana", Productos: []contracts.Linea{lineas[1], lineas[0]}}, false},
	} {
		if c.IsSame(tc.s) != tc.equal {
			t.Errorf("%s: same is %v", tc.name, !tc.equal)
		}
	}
}
