package pubsub

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"entregas/contracts"
)

// How much of a record is read, as JSON. Of a larger one nothing but its beginning is known: 5 MB on the wire can be 100 MB.
const (
	maxRead  = 8 << 20
	maxInOne = contracts.MaxRecord // more than that only one at a time
)

// delivered is the size of a delivery whose record has so many bytes: base64, with a few hundred bytes around it.
func delivered(record int) int64 { return int64(record)/3*4 + 64<<10 }

// delivery is a record as the sidecar hands it over.
type delivery struct {
	record []byte // the component's JSON of it, whole or cut
	bytes  int64  // of the whole
	read   bool   // a message was made of all of it
}

func (d delivery) cut() bool { return d.bytes > int64(len(d.record)) }

// readDelivery reads a delivery of any size. Large ones wait for each other, so that many of them at once take no more memory
// than one. The returned function ends a delivery's turn. An error is a delivery that did not come through; the broker has it
// still.
func readDelivery(body io.Reader, turn *sync.Mutex) (delivery, func(), error) {
	end := func() {}
	start, err := io.ReadAll(io.LimitReader(body, delivered(maxInOne)))
	if err == nil && int64(len(start)) == delivered(maxInOne) {
		turn.Lock()
		end = turn.Unlock
		var more []byte
		more, err = io.ReadAll(io.LimitReader(body, delivered(maxRead)-delivered(maxInOne)))
		start = append(start, more...)
	}
	if err != nil {
		return delivery{}, end, fmt.Errorf("entrega de Dapr: %w", err)
	}
	if int64(len(start)) == delivered(maxRead) {
		d, err := readLarge(start, body)
		return d, end, err
	}
	var event struct {
		Record []byte `json:"data_base64"`
	}
	if err := json.Unmarshal(start, &event); err != nil {
		return delivery{}, end, fmt.Errorf("entrega de Dapr: %w", err)
	}
	return delivery{record: event.Record, bytes: int64(len(event.Record))}, end, nil
}

// readLarge reads the delivery of which start is the beginning and rest what follows.
func readLarge(start []byte, rest io.Reader) (delivery, error) {
	const field = `"data_base64":"`
	at := bytes.Index(start, []byte(field))
	if at < 0 {
		return delivery{}, fmt.Errorf("entrega de Dapr: no tiene %s", field)
	}
	text := &untilQuote{r: io.MultiReader(bytes.NewReader(start[at+len(field):]), rest)}
	kept := &beginning{}
	if _, err := io.Copy(kept, base64.NewDecoder(base64.StdEncoding, text)); err != nil {
		return delivery{}, fmt.Errorf("entrega de Dapr: %w", err)
	}
	if _, err := io.Copy(io.Discard, text.r); err != nil { // the sidecar takes an answer before its last byte for a failure
		return delivery{}, fmt.Errorf("entrega de Dapr: %w", err)
	}
	return delivery{record: kept.bytes, bytes: kept.total}, nil
}

// untilQuote reads r until a quotation mark.
type untilQuote struct {
	r    io.Reader
	done bool
}

func (u *untilQuote) Read(p []byte) (int, error) {
	if u.done {
		return 0, io.EOF
	}
	n, err := u.r.Read(p)
	if at := bytes.IndexByte(p[:n], '"'); at >= 0 {
		u.done = true
		return at, nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// beginning keeps the first bytes of what is written, and measures all of it.
type beginning struct {
	bytes []byte
	total int64
}

func (b *beginning) Write(p []byte) (int, error) {
	b.total += int64(len(p))
	if space := maxBeginning - len(b.bytes); space > 0 {
		b.bytes = append(b.bytes, p[:min(space, len(p))]...)
	}
	return len(p), nil
}
