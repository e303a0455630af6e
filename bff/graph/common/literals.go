package common

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"entregas/contracts"
)

// checkLiterals refuses a number in the text of an operation that is larger than an int64 or a float64. gqlparser panics on it where the
// type of the argument is a scalar of ours. The error names the argument.
func checkLiterals(d *ast.QueryDocument) error {
	var v contracts.Validator
	for _, op := range d.Operations {
		checkArguments(&v, op.SelectionSet)
	}
	for _, fragment := range d.Fragments {
		checkArguments(&v, fragment.SelectionSet)
	}
	return v.Error()
}

func checkArguments(v *contracts.Validator, fields ast.SelectionSet) {
	for _, s := range fields {
		switch field := s.(type) {
		case *ast.Field:
			for _, argument := range field.Arguments {
				checkLiteral(v, argument.Name, argument.Value)
			}
			checkArguments(v, field.SelectionSet)
		case *ast.InlineFragment:
			checkArguments(v, field.SelectionSet)
		}
	}
}

func checkLiteral(v *contracts.Validator, argument string, value *ast.Value) {
	var err error
	switch value.Kind {
	case ast.IntValue:
		_, err = strconv.ParseInt(value.Raw, 10, 64)
	case ast.FloatValue:
		_, err = strconv.ParseFloat(value.Raw, 64)
	}
	if err != nil {
		v.Fail(argument, "es un número demasiado grande")
	}
	for _, child := range value.Children {
		checkLiteral(v, argument, child.Value)
	}
}
