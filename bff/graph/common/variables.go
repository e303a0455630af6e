package common

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"entregas/contracts"
)

// strictVariables refuses a variable whose value has another type than the operation declares. gqlgen accepts "2" for an Int, 2 for
// a String and recibida for RECIBIDA, which the specification of GraphQL and the REST interface do not.
type strictVariables struct{ schema *ast.Schema }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = &strictVariables{}

// ExtensionName implements graphql.HandlerExtension.
func (*strictVariables) ExtensionName() string { return "StrictVariables" }

// Validate implements graphql.HandlerExtension.
func (s *strictVariables) Validate(es graphql.ExecutableSchema) error {
	s.schema = es.Schema()
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator.
func (s *strictVariables) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	var v contracts.Validator
	for _, declared := range op.Operation.VariableDefinitions {
		s.check(&v, declared.Type, op.Variables[declared.Variable], declared.Variable)
	}
	if err := v.Error(); err != nil {
		return gqlerror.Wrap(err)
	}
	return nil
}

// check fails name in v where value is not of type t. gqlgen has checked before that it can coerce the value.
func (s *strictVariables) check(v *contracts.Validator, t *ast.Type, value any, name string) {
	if value == nil {
		return
	}
	if t.Elem != nil {
		if list := reflect.ValueOf(value); list.Kind() == reflect.Slice { // a list, or one value that gqlgen made a list of
			for i := range list.Len() {
				s.check(v, t.Elem, list.Index(i).Interface(), fmt.Sprintf("%s[%d]", name, i))
			}
			return
		}
		t = t.Elem // a single value stands for a list of one
	}
	definition := s.schema.Types[t.Name()]
	switch definition.Kind {
	case ast.InputObject:
		object, _ := value.(map[string]any)
		for _, field := range definition.Fields {
			s.check(v, field.Type, object[field.Name], name+"."+field.Name)
		}
	case ast.Enum:
		if text, is := value.(string); !is || definition.EnumValues.ForName(text) == nil {
			v.Fail(name, "debe ser un valor de "+definition.Name)
		}
	default:
		if words, known := scalars[definition.Name]; known && !slices.Contains(words.kinds, kindOf(value)) {
			v.Fail(name, words.say)
		}
	}
}

// kind is the type of a JSON value.
type kind int

const (
	other kind = iota
	text
	integer
	number
	boolean
)

// scalars are the scalar types of GraphQL: the kinds of value that each accepts, and the text in Spanish that says so.
var scalars = map[string]struct {
	kinds []kind
	say   string
}{
	"Int":     {[]kind{integer}, "debe ser un número entero"},
	"Importe": {[]kind{integer}, "debe ser un número entero"},
	"Float":   {[]kind{integer, number}, "debe ser un número"},
	"String":  {[]kind{text}, "debe ser un texto"},
	"Boolean": {[]kind{boolean}, "debe ser true o false"},
	"ID":      {[]kind{text, integer}, "debe ser un texto"},
}

// kindOf returns the kind of a decoded JSON value.
func kindOf(value any) kind {
	switch v := value.(type) {
	case string:
		return text
	case bool:
		return boolean
	case int64, int:
		return integer
	case float64:
		return number
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return integer
		}
		return number
	default:
		return other
	}
}
