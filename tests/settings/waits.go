package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wait is a time or a number that says how long some part of the system waits or keeps data, or how often it tries.
type wait struct {
	owner, name, value, effect, where string
	length                            time.Duration // for sorting; 0 when the value is not one duration
}

var units = map[string]time.Duration{
	"Nanosecond": time.Nanosecond, "Microsecond": time.Microsecond, "Millisecond": time.Millisecond,
	"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
}

// unitOf returns the length of an expression like time.Second.
func unitOf(e ast.Expr) (time.Duration, bool) {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return 0, false
	}
	x, ok := s.X.(*ast.Ident)
	length, isUnit := units[s.Sel.Name]
	return length, ok && isUnit && x.Name == "time"
}

// waits returns the waits of all packages, and an error for each wait without a doc comment.
func (s *source) waits() (all []wait, complaints []error) {
	for _, f := range s.files {
		for _, declaration := range f.tree.Decls {
			switch d := declaration.(type) {
			case *ast.GenDecl:
				found, more := s.declared(f, d)
				all, complaints = append(all, found...), append(complaints, more...)
			case *ast.FuncDecl:
				complaints = append(complaints, s.bare(f, d)...)
			}
		}
	}
	return all, complaints
}

// declared returns the waits of one const or var declaration.
func (s *source) declared(f file, d *ast.GenDecl) (all []wait, complaints []error) {
	for _, spec := range d.Specs {
		value, ok := spec.(*ast.ValueSpec)
		if !ok || len(value.Values) != 1 || len(value.Names) != 1 {
			continue
		}
		doc := value.Doc
		if doc == nil && len(d.Specs) == 1 {
			doc = d.Doc
		}
		if _, isDuration := s.duration(f, value.Values[0], 0); !isDuration && !isWait(value.Values[0]) && !hasDirective(doc) {
			continue
		}
		name := value.Names[0].Name
		text := doc.Text()
		if text == "" {
			text = value.Comment.Text()
		}
		if strings.TrimSpace(text) == "" {
			complaints = append(complaints, fmt.Errorf("%s:%d: %s is a wait without a doc comment", f.path, s.set.Position(value.Pos()).Line, name))
		}
		shown, length := s.evaluate(f, value.Values[0], 0)
		all = append(all, wait{owner: f.owner(), name: name, value: shown, effect: effectOf(name, text), where: f.path, length: length})
	}
	return all, complaints
}

// isWait reports whether an expression is made of time units, directly or as elements of a literal.
func isWait(e ast.Expr) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if _, isFunction := n.(*ast.FuncLit); isFunction {
			return false
		}
		if x, ok := n.(ast.Expr); ok {
			if _, isUnit := unitOf(x); isUnit {
				found = true
			}
		}
		return !found
	})
	return found
}

// hasDirective reports whether a doc comment marks a wait whose value is not made of time units.
func hasDirective(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return c.Text == "//settings:wait" })
}

// effectOf returns the text of the effect of a wait: the first paragraph of its doc comment, without "name is" at the beginning.
func effectOf(name, text string) string {
	text, _, _ = strings.Cut(text, "\n\n")
	text = strings.TrimPrefix(strings.Join(strings.Fields(text), " "), name+" ")
	return sentence(strings.TrimPrefix(strings.TrimPrefix(text, "is "), "are "))
}

// sentence returns text with a capital letter at its beginning and a full stop at its end.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// evaluate returns the value of an expression as a text, and its length when it is one duration.
func (s *source) evaluate(f file, e ast.Expr, depth int) (string, time.Duration) {
	if length, ok := s.duration(f, e, depth); ok {
		return short(length), length
	}
	if literal, ok := e.(*ast.CompositeLit); ok {
		var parts []string
		for _, element := range literal.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				shown, _ := s.evaluate(f, pair.Value, depth)
				parts = append(parts, strings.Trim(types.ExprString(pair.Key), `"`)+" "+strings.Trim(shown, `"`))
				continue
			}
			shown, _ := s.evaluate(f, element, depth)
			parts = append(parts, shown)
		}
		return strings.Join(parts, ", "), 0
	}
	if x, ok := e.(*ast.SelectorExpr); ok && depth < 10 { // a number of another package
		if name, ok := x.X.(*ast.Ident); ok {
			if value, owner := s.value(f.imported(name.Name), x.Sel.Name); value != nil {
				return s.evaluate(owner, value, depth+1)
			}
		}
	}
	return strings.Trim(types.ExprString(e), "`\""), 0
}

// duration returns the value of an expression of time units, numbers and other constants of the product.
func (s *source) duration(f file, e ast.Expr, depth int) (time.Duration, bool) {
	if length, ok := unitOf(e); ok {
		return length, true
	}
	if depth > 10 {
		return 0, false
	}
	switch x := e.(type) {
	case *ast.ParenExpr:
		return s.duration(f, x.X, depth+1)
	case *ast.Ident:
		return s.constant(f.dir(), x.Name, depth+1)
	case *ast.SelectorExpr:
		if packageName, ok := x.X.(*ast.Ident); ok {
			return s.constant(f.imported(packageName.Name), x.Sel.Name, depth+1)
		}
	case *ast.BinaryExpr:
		if n, ok := number(x.X); ok && x.Op == token.MUL {
			right, ok := s.duration(f, x.Y, depth+1)
			return time.Duration(n) * right, ok
		}
		left, ok := s.duration(f, x.X, depth+1)
		if n, isNumber := number(x.Y); isNumber && ok && n > 0 {
			switch x.Op {
			case token.MUL:
				return left * time.Duration(n), true
			case token.QUO:
				return left / time.Duration(n), true
			}
		}
		right, ok2 := s.duration(f, x.Y, depth+1)
		switch x.Op {
		case token.ADD:
			return left + right, ok && ok2
		case token.SUB:
			return left - right, ok && ok2
		}
	}
	return 0, false
}

// constant returns the duration of a constant or variable of the package in folder dir.
func (s *source) constant(dir, name string, depth int) (time.Duration, bool) {
	value, f := s.value(dir, name)
	if value == nil {
		return 0, false
	}
	return s.duration(f, value, depth)
}

// value returns the expression of a constant or variable of the package in folder dir, with its file; nil if there is none.
func (s *source) value(dir, name string) (ast.Expr, file) {
	for _, f := range s.files {
		if dir == "" || f.dir() != dir && !strings.HasSuffix(dir, "/"+f.dir()) {
			continue
		}
		if value := f.value(name); value != nil {
			return value, f
		}
	}
	return nil, file{}
}

// value returns the expression of the package's constant or variable with that name, or nil when the file does not declare it.
func (f file) value(name string) ast.Expr {
	for _, declaration := range f.tree.Decls {
		d, ok := declaration.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && len(v.Names) == 1 && len(v.Values) == 1 && v.Names[0].Name == name {
				return v.Values[0]
			}
		}
	}
	return nil
}

// imported returns the import path of the package to which the file refers as name.
func (f file) imported(name string) string {
	for _, i := range f.tree.Imports {
		importPath, err := strconv.Unquote(i.Path.Value)
		if err == nil && (i.Name != nil && i.Name.Name == name || i.Name == nil && path.Base(importPath) == name) {
			return importPath
		}
	}
	return ""
}

// number returns the value of an expression that is a whole number or a product of whole numbers, as 7 * 24.
func number(e ast.Expr) (int64, bool) {
	switch x := e.(type) {
	case *ast.ParenExpr:
		return number(x.X)
	case *ast.BasicLit:
		n, err := strconv.ParseInt(strings.ReplaceAll(x.Value, "_", ""), 10, 64)
		return n, err == nil
	case *ast.BinaryExpr:
		left, ok := number(x.X)
		right, ok2 := number(x.Y)
		return left * right, ok && ok2 && x.Op == token.MUL
	}
	return 0, false
}

// quoted matches a time with its unit in quotes: "5s", or '100ms' in a statement.
var quoted = regexp.MustCompile(`["'` + "`" + `]\d+ ?(ms|s|min|h)["'` + "`" + `]`)

// bare returns an error for each wait in the middle of a function. A wait is a time unit that no other value multiplies or divides,
// and that is not an argument of a rounding.
func (s *source) bare(f file, function *ast.FuncDecl) (complaints []error) {
	converted := map[ast.Expr]bool{}
	ast.Inspect(function, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.BinaryExpr:
			if _, isNumber := number(x.X); x.Op == token.QUO || x.Op == token.MUL && !isNumber {
				converted[x.X], converted[x.Y] = true, true
			}
		case *ast.UnaryExpr: // a negative lifetime deletes a cookie, and is no wait
			converted[x.X] = true
		case *ast.CallExpr:
			called := types.ExprString(x.Fun)
			if strings.HasSuffix(called, ".Round") || strings.HasSuffix(called, ".Truncate") || called == "float64" || called == "int64" {
				for _, argument := range x.Args {
					converted[argument] = true
				}
			}
		}
		if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && quoted.MatchString(text.Value) {
			complaints = append(complaints, fmt.Errorf("%s:%d: a wait in a text: make it a constant with a doc comment and //settings:wait", f.path, s.set.Position(n.Pos()).Line))
		}
		if x, ok := n.(ast.Expr); ok {
			if converted[x] {
				return false
			}
			if _, isUnit := unitOf(x); isUnit {
				complaints = append(complaints, fmt.Errorf("%s:%d: a wait in the middle of a function: make it a constant with a doc comment", f.path, s.set.Position(n.Pos()).Line))
			}
		}
		return true
	})
	return complaints
}

var zeros = regexp.MustCompile(`([a-z])0[ms](0s)?$`)

// short formats a duration without units that are zero: 24h, not 24h0m0s.
func short(d time.Duration) string {
	if day := 24 * time.Hour; d >= 2*day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return zeros.ReplaceAllString(d.String(), "$1")
}
