package contracts_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
)

// block returns the first block of code in a language in a document.
func block(t *testing.T, document, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(document, "```"+language+"\n")
	text, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("docs/participant.md has no block of %s", language)
	}
	return text
}

// docs/participant.md says what the code does: the commands and their replies, the fields that are compared, the limits, the tables, and a
// message as JSON and as the bytes of its record.
func TestParticipantDocument(t *testing.T) {
	document := read(t, "../docs/participant.md")

	examples, _ := payloads(t)
	codec := newEncoder(t, read(t, "avro/comandos-producto.avsc"))
	var shown, example any
	if err := json.Unmarshal([]byte(block(t, document, "json")), &shown); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded(t, examples["ReservarProducto"][0]), &example); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(shown, example) {
		t.Error("the worked message is not the example of asyncapi.yaml")
	}
	record, err := codec.record(encoded(t, example))
	if err != nil {
		t.Fatal(err)
	}
	bytes := regexp.MustCompile(`#.*|\s`).ReplaceAllString(block(t, document, "hex"), "")
	if bytes != hex.EncodeToString(record) {
		t.Errorf("the record of the worked message is %x", record)
	}

	rows := map[string]bool{}
	for kind, c := range contracts.Contents {
		if len(c.Replies) == 0 {
			continue
		}
		var replies []string
		for _, r := range c.Replies {
			replies = append(replies, "`"+string(r)+"`")
		}
		row := fmt.Sprintf("| `%s` | %s | %s |", kind, strings.Join(replies, ", "), contracts.TopicOf(kind).Reader)
		rows[row] = true
		if !strings.Contains(document, row) {
			t.Errorf("docs/participant.md has no row %s", row)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `[A-Z]\\w+` \\| `[A-Z].*$").FindAllString(document, -1) {
		if !rows[row] {
			t.Errorf("docs/participant.md has the row %s, which is wrong", row)
		}
	}
	for _, topic := range contracts.Topics {
		if names := "for `" + topic.Name + "` `" + strings.Join(topic.Compared, "`, `") + "`"; len(topic.Compared) > 0 && !strings.Contains(document, names) {
			t.Errorf("docs/participant.md does not say what is compared %s", names)
		}
	}

	tenth := []string{9: "tenth"}[contracts.MaxTries-1]
	for _, words := range []string{
		fmt.Sprintf("at most %d bytes", contracts.MaxRecord), fmt.Sprintf("older than %d days by `time`", contracts.MaxCommandAge/(24*time.Hour)),
		"With the " + tenth + " failure", fmt.Sprintf("1 to %d characters", contracts.EnvelopeBounds["id"].MaxLength),
		fmt.Sprintf("at most %d characters; any value is taken", contracts.EnvelopeBounds["specversion"].MaxLength),
	} {
		if !strings.Contains(document, words) {
			t.Errorf("docs/participant.md does not say %q", words)
		}
	}

	plain := func(sql string) string {
		return strings.Join(strings.Fields(regexp.MustCompile(`--.*`).ReplaceAllString(sql, "")), " ")
	}
	tables := strings.SplitSeq(strings.TrimSpace(block(t, document, "sql")), "\n\n")
	for _, file := range []string{"../services/admin-productos/postgres/migrations/00010_productos.sql", "../services/ordenes/postgres/migrations/00010_ordenes.sql"} {
		migration := plain(read(t, file))
		for table := range tables {
			if !strings.Contains(migration, plain(table)) {
				t.Errorf("%s does not have\n%s", file, table)
			}
		}
	}
}
