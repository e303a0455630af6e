package common

import (
	"context"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// tooComplex is the code of gqlgen for an operation over its limit of cost.
const tooComplex = "COMPLEXITY_LIMIT_EXCEEDED"

// byRule has a text in Spanish for each validation rule of GraphQL. A test compares it with the rules of gqlparser.
var byRule = map[string]string{
	"FieldsOnCorrectType":                   "ese campo no existe en su tipo",
	"FieldsOnCorrectTypeWithoutSuggestions": "ese campo no existe en su tipo",
	"FragmentsOnCompositeTypes":             "un fragmento es de un tipo con campos",
	"KnownArgumentNames":                    "ese argumento no existe",
	"KnownArgumentNamesWithoutSuggestions":  "ese argumento no existe",
	"KnownDirectives":                       "esa directiva no existe, o no va ahí",
	"KnownFragmentNames":                    "ese fragmento no está definido",
	"KnownRootType":                         "ese tipo de operación no existe",
	"KnownTypeNames":                        "ese tipo no existe",
	"KnownTypeNamesWithoutSuggestions":      "ese tipo no existe",
	"LoneAnonymousOperation":                "una operación sin nombre va sola",
	"MaxIntrospectionDepth":                 "la introspección es demasiado honda",
	"NoFragmentCycles":                      "un fragmento no puede contenerse a sí mismo",
	"NoUndefinedVariables":                  "esa variable no está declarada",
	"NoUnusedFragments":                     "ese fragmento no se usa",
	"NoUnusedVariables":                     "esa variable no se usa",
	"OverlappingFieldsCanBeMerged":          "dos campos distintos quedan con el mismo nombre: use un alias",
	"PossibleFragmentSpreads":               "ese fragmento nunca aplica a ese tipo",
	"ProvidedRequiredArguments":             "falta un argumento obligatorio",
	"ScalarLeafs":                           "un campo con subcampos los nombra, y uno sin ellos no",
	"ScalarLeafsWithoutSuggestions":         "un campo con subcampos los nombra, y uno sin ellos no",
	"SingleFieldSubscriptions":              "una suscripción tiene un solo campo",
	"UniqueArgumentNames":                   "un argumento está repetido",
	"UniqueDirectivesPerLocation":           "una directiva está repetida",
	"UniqueFragmentNames":                   "dos fragmentos tienen el mismo nombre",
	"UniqueInputFieldNames":                 "un campo está repetido",
	"UniqueOperationNames":                  "dos operaciones tienen el mismo nombre",
	"UniqueVariableNames":                   "una variable está repetida",
	"ValuesOfCorrectType":                   "ese valor no es del tipo que se espera",
	"ValuesOfCorrectTypeWithoutSuggestions": "ese valor no es del tipo que se espera",
	"VariablesAreInputTypes":                "una variable no puede ser de ese tipo",
	"VariablesInAllowedPosition":            "esa variable es de otro tipo que el que se espera",
}

// inSpanish returns e, an error of a query or its variables, with a text in Spanish. It composes the text from the rule, the place
// and the path, since the text of gqlparser is English.
func inSpanish(ctx context.Context, schema *ast.Schema, e *gqlerror.Error) *gqlerror.Error {
	code, _ := e.Extensions["code"].(string)
	said := &gqlerror.Error{Locations: e.Locations, Extensions: map[string]any{"code": code}}
	place := placeOf(ctx, e.Locations)
	switch {
	case code == tooComplex:
		said.Extensions["code"] = string(errs.TooLarge)
		said.Message = "La operación cuesta demasiado: pida menos campos, o páginas más cortas."
	case len(e.Path) > 1 && e.Path[0] == ast.PathName("variable"):
		return ofVariable(ctx, schema, e)
	case byRule[e.Rule] != "":
		said.Message = "La consulta no vale" + place + ": " + byRule[e.Rule] + "."
	case code == errcode.ParseFailed && len(e.Locations) == 0:
		said.Message = fmt.Sprintf("La consulta puede tener a lo sumo %d símbolos.", maxTokens)
	case code == errcode.ParseFailed:
		said.Message = "La consulta no se entiende" + place + "."
	case code == errcode.ValidationFailed && e.Rule == "":
		said.Message = "No se sabe qué operación ejecutar: ponga una, o nombre con operationName una de las que hay."
	default:
		said.Message = "La consulta no vale" + place + "."
		if code == "" {
			said.Extensions["code"] = string(errs.Invalid)
		}
	}
	return said
}

// ofVariable returns the error of a variable, with the name of the variable or its field and the type that it must have.
func ofVariable(ctx context.Context, schema *ast.Schema, e *gqlerror.Error) *gqlerror.Error {
	field := e.Path[1:].String()
	detail := "no se conoce"
	if t := typeOfVariable(ctx, schema, e.Path[1:]); t != nil {
		detail = "debe ser de tipo " + t.String()
	}
	err := contracts.BadField(field, detail)
	return &gqlerror.Error{
		Message: fmt.Sprintf("La variable %s %s.", field, detail), Extensions: extensions(err, rest.ProblemOf(err)),
	}
}

// typeOfVariable returns the type of the field at path, which begins with a variable; nil where there is none.
func typeOfVariable(ctx context.Context, schema *ast.Schema, path ast.Path) *ast.Type {
	op := graphql.GetOperationContext(ctx)
	if op == nil || op.Operation == nil || schema == nil {
		return nil
	}
	var t *ast.Type
	for i, step := range path {
		name, isName := step.(ast.PathName)
		switch {
		case i == 0:
			declared := op.Operation.VariableDefinitions.ForName(string(name))
			if declared == nil {
				return nil
			}
			t = declared.Type
		case !isName:
			if t.Elem != nil {
				t = t.Elem
			}
		default:
			for t.Elem != nil { // a single value stands for a list of one
				t = t.Elem
			}
			definition := schema.Types[t.Name()]
			if definition == nil || definition.Fields.ForName(string(name)) == nil {
				return nil
			}
			t = definition.Fields.ForName(string(name)).Type
		}
	}
	return t
}

// placeOf returns a text with the first line and column of at, and the word at that place; "" where at is empty.
func placeOf(ctx context.Context, at []gqlerror.Location) string {
	if len(at) == 0 {
		return ""
	}
	place := fmt.Sprintf(" (línea %d, columna %d", at[0].Line, at[0].Column)
	if word := wordAt(ctx, at[0]); word != "" {
		place += ", «" + word + "»"
	}
	return place + ")"
}

const maxWord = 40 // bytes; a name of GraphQL is ASCII

// wordAt returns the name in the query that begins at a place, cut to maxWord; "" where there is none.
func wordAt(ctx context.Context, at gqlerror.Location) string {
	if !graphql.HasOperationContext(ctx) {
		return ""
	}
	lines := strings.Split(graphql.GetOperationContext(ctx).RawQuery, "\n")
	if at.Line < 1 || at.Line > len(lines) {
		return ""
	}
	line := []rune(lines[at.Line-1])
	if at.Column < 1 || at.Column > len(line) {
		return ""
	}
	rest := string(line[at.Column-1:])
	end := strings.IndexFunc(rest, func(r rune) bool {
		return r != '_' && r != '$' && r != '@' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if end < 0 {
		end = len(rest)
	}
	return rest[:min(end, maxWord)]
}
