package comun

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"entregas/services/bff/borde"
	"entregas/services/bff/memory"
	"entregas/services/internal/errores"
)

// How large one operation may be, for every caller and at any cost. A fragment counts as often as it is spread.
const (
	maxConsulta = 32 << 10 // bytes of text: documents are kept for the next who sends them
	maxSimbolos = 3_000    // tokens: the validation compares fields with one another
	maxCampos   = 2_000
	maxHondura  = 8
	// maxLlamadas bounds the fields of the root: each calls a service, all at once, and a service that is called a thousand
	// times at once answers nobody.
	maxLlamadas = 20
	// maxCosto bounds how many fields an answer is expected to have. A list counts as often as it may be long, or usually is.
	maxCosto = 10_000
)

// medida refuses an operation that is too large before anything walks through it, and counts what it calls among the
// requests of the caller.
type medida struct {
	pool          *memory.Pool
	introspection bool
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationInterceptor
	graphql.FieldInterceptor
	graphql.ResponseInterceptor
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = medida{}

// ExtensionName implements graphql.HandlerExtension.
func (medida) ExtensionName() string { return "Medida" }

// Validate implements graphql.HandlerExtension.
func (medida) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator. An operation on a websocket is counted here, as a request
// is before it is read: parsing costs as much where the document is refused.
func (m medida) MutateOperationParameters(ctx context.Context, p *graphql.RawParams) *gqlerror.Error {
	if len(p.Query) > maxConsulta {
		return falla(errores.Demasiado, "La consulta puede tener a lo sumo %d bytes.", maxConsulta)
	}
	lease := memory.From(ctx)
	if deVia(ctx) == porSocket {
		if !borde.Cobrar(ctx, 1) {
			return falla(errores.Demasiadas, "%s", borde.Demasiadas.Mensaje)
		}
		lease = m.pool.Lease(borde.Asker(ctx, ""))
		socketOf(ctx).hold(lease)
		graphql.GetOperationContext(ctx).Stats.SetExtension(leaseExtension, lease)
	}
	if err := lease.Take(int64(len(p.Query)) * textWeight); err != nil {
		return refuse(ctx, err).Errors[0]
	}
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator.
func (m medida) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	via := deVia(ctx)
	if via != porPeticion && op.Operation.Operation == ast.Mutation {
		// There it would pass by its Idempotency-Key, its time limit and the page's CSRF token.
		return falla(errores.Invalido, "Una mutación va por POST con Accept: application/json; por aquí van suscripciones y consultas.")
	}
	t := medidor{}.de(op.Operation.SelectionSet)
	switch {
	case t.introspects && !m.introspection:
		return falla(errores.SinPermiso, "Aquí no se cuenta el esquema: la introspección es solo para desarrollo. El esquema está en la documentación.")
	case t.campos > maxCampos:
		return falla(errores.Demasiado, "La operación puede pedir a lo sumo %d campos.", maxCampos)
	case t.hondura > maxHondura:
		return falla(errores.Demasiado, "La operación tiene %d niveles y puede tener a lo sumo %d.", t.hondura, maxHondura)
	case t.llamadas > maxLlamadas:
		return falla(errores.Demasiado, "La operación tiene %d campos en la raíz y puede tener a lo sumo %d.", t.llamadas, maxLlamadas)
	}
	if !borde.Cobrar(ctx, t.llamadas-1) { // what brought it was counted
		return falla(errores.Demasiadas, "%s", borde.Demasiadas.Mensaje)
	}
	return nil
}

func falla(codigo errores.Codigo, formato string, args ...any) *gqlerror.Error {
	err := gqlerror.Wrap(errores.Nuevo(codigo, formato, args...))
	err.Extensions = map[string]any{"code": string(codigo)} // on a websocket nothing else adds it
	return err
}

// tamano is how large a set of fields is with its fragments in it.
type tamano struct {
	campos, hondura, llamadas int
	introspects               bool // asks for the schema
}

// medidor knows what it measured: fragments that spread fragments twice double with each level, and are looked at once.
type medidor map[*ast.FragmentDefinition]tamano

// de measures. The validation has refused fragments that contain themselves. How deep introspection goes is not counted: the
// schema bounds it.
func (m medidor) de(campos ast.SelectionSet) (t tamano) {
	for _, s := range campos {
		var de tamano
		switch campo := s.(type) {
		case *ast.Field:
			de = m.de(campo.SelectionSet)
			de.campos++
			if de.llamadas = 1; strings.HasPrefix(campo.Name, "__") {
				de.hondura, de.llamadas = 0, 0
				de.introspects = campo.Name != "__typename"
			} else {
				de.hondura++
			}
		case *ast.InlineFragment:
			de = m.de(campo.SelectionSet)
		case *ast.FragmentSpread:
			if campo.Definition == nil {
				continue
			}
			var medido bool
			if de, medido = m[campo.Definition]; !medido {
				de = m.de(campo.Definition.SelectionSet)
				m[campo.Definition] = de
			}
		}
		t.hondura = max(t.hondura, de.hondura)
		t.introspects = t.introspects || de.introspects
		t.campos = min(t.campos+de.campos, maxCampos+1) // enough to be too many
		t.llamadas = min(t.llamadas+de.llamadas, maxCampos+1)
	}
	return t
}
