package inbox

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"entregas/contracts"
)

// vectors are the fingerprints that each implementation of a participant must compute, in any language.
type vectors struct {
	Compared      map[string][]string
	Vectors, Wide []vector // wide: with integers that a double cannot hold
}

type vector struct {
	Name, Tema, Canonical, Fingerprint string
	Tipo                               contracts.MessageType
	Data                               json.RawMessage
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	text, err := os.ReadFile("../../contracts/testdata/fingerprints.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Failure prevented: one implementation of a participant answers a command, and another implementation on the same database gets the command
// again, after a swap or an upgrade. It takes the command for one with other data and makes a dead letter of it. Its purchase waits in vain.
func TestFingerprintsAreThoseOfTheVectors(t *testing.T) {
	v := readVectors(t)
	for _, topic := range contracts.Topics {
		if want := v.Compared[topic.Name]; !slices.Equal(topic.Compared, want) {
			t.Errorf("Compared of %s is %v in contracts/topics.go, and %v in contracts/testdata/fingerprints.json", topic.Name, topic.Compared, want)
		}
	}
	for _, vector := range slices.Concat(v.Vectors, v.Wide) {
		t.Run(vector.Name, func(t *testing.T) {
			if got := hash(vector.Canonical); got != vector.Fingerprint {
				t.Fatalf("the vector is wrong: the hash of its text is %s", got)
			}
			if on := contracts.TopicOf(vector.Tipo).Name; on != vector.Tema {
				t.Fatalf("the vector is wrong: %s is on %s", vector.Tipo, on)
			}
			var got Command
			var err error
			switch vector.Tema {
			case string(contracts.ComandosProducto):
				got, err = decoded[contracts.DatosComandoProducto](t, vector.Tipo, vector.Data)
			case string(contracts.ComandosOrden):
				got, err = decoded[contracts.DatosComandoOrden](t, vector.Tipo, vector.Data)
			default:
				t.Fatalf("a vector of topic %s", vector.Tema)
			}
			if err != nil || got.fingerprint != vector.Fingerprint {
				t.Errorf("fingerprint %s: %v, want that of %s", got.fingerprint, err, vector.Canonical)
			}
			if raw, _ := decoded[map[string]any](t, vector.Tipo, vector.Data); vector.Tema == string(contracts.ComandosProducto) && raw.fingerprint != vector.Fingerprint {
				t.Errorf("with the fields that Go does not know it is %s", raw.fingerprint)
			}
		})
	}
	if kinds := slices.Collect(maps.Keys(v.Compared)); len(v.Vectors) < 10 || len(v.Wide) == 0 || len(kinds) != 2 {
		t.Errorf("only %d vectors of %v", len(v.Vectors), kinds)
	}
}

func decoded[D any](t *testing.T, kind contracts.MessageType, text []byte) (Command, error) {
	t.Helper()
	var data D
	if err := json.Unmarshal(text, &data); err != nil {
		t.Fatal(err)
	}
	return FromMessage(contracts.NewMessage("test", kind, "", data), "c")
}
