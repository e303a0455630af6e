package compra_test

import (
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/workflows/compra"
)

// The contracts say of each command which replies are allowed, and of each reply which fields it has, as the saga takes them.
func TestContractsHaveTheReplies(t *testing.T) {
	for kind, content := range contracts.Contents {
		var want []contracts.MessageType
		for _, r := range compra.Replies(kind) {
			want = append(want, r.Type)
		}
		if !slices.Equal(content.Replies, want) {
			t.Errorf("the replies to %s are %v in contracts/contents.go, and %v in workflows/compra/steps.go", kind, content.Replies, want)
		}
	}
	for _, command := range compra.Commands() {
		for _, r := range compra.Replies(command) {
			c := contracts.Contents[r.Type]
			data := map[string]compra.Presence{"faltantes": r.Faltantes, "id_orden": r.Order, "total": r.Importes}
			for field, presence := range data {
				if slices.Contains(c.Must, field) != (presence == compra.Must) {
					t.Errorf("Must of %s, %s: %v in contracts/contents.go", r.Type, field, c.Must)
				}
				if never := slices.Contains(c.Never, field); never && presence != compra.Never || !never && presence == compra.Never && hasField(r.Type, field) {
					t.Errorf("Never of %s, %s: %v in contracts/contents.go", r.Type, field, c.Never)
				}
			}
		}
	}
}

// hasField reports whether the topic of replies of type t has the field.
func hasField(t contracts.MessageType, field string) bool {
	return slices.Contains(map[string][]string{
		string(contracts.EventosInventario): {"faltantes", "total"},
		string(contracts.EventosProductos):  {"faltantes"},
		string(contracts.EventosOrden):      {"id_orden"},
	}[contracts.TopicOf(t).Name], field)
}
