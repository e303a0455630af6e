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

// The limits for the JSON of a record, in bytes. 5 MB of Avro on the wire can become 100 MB of JSON.
const (
	maxRead  = 8 << 20             // only the beginning of a larger record is kept
	maxInOne = contracts.MaxRecord // larger records are read one at a time
)

// delivered returns the largest size of a delivery whose record has the given number of bytes: the record is in base64, and
// the rest of the delivery has a few hundred bytes.
func delivered(record int) int64 { return int64(record)/3*4 + 64<<10 }

// delivery is a record as the sidecar delivers it.
type delivery struct {
	record []byte // the JSON that the pub/sub component made, whole or cut
	bytes  int64  // the size of the whole JSON
	read   bool   // the whole JSON was decoded into a message
}

func (d delivery) cut() bool { return d.bytes > int64(len(d.record)) }

// readDelivery reads a delivery of any size. Large deliveries wait for each other, so that many of them take no more memory
// than one. The caller must call the returned function when it is done with the delivery. After an error the broker still has
// the message.
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
		return delivery{}, end, fmt.Errorf("delivery: %w", err)
	}
	if int64(len(start)) == delivered(maxRead) {
		d, err := readLarge(start, body)
		return d, end, err
	}
	var event struct {
		Record []byte `json:"data_base64"`
	}
	if err := json.Unmarshal(start, &event); err != nil {
		return delivery{}, end, fmt.Errorf("delivery: %w", err)
	}
	return delivery{record: event.Record, bytes: int64(len(event.Record))}, end, nil
}

// readLarge reads a delivery that begins with start and goes on in rest. It keeps the beginning of the record and its size.
func readLarge(start []byte, rest io.Reader) (delivery, error) {
	const field = `"data_base64":"`
	at := bytes.Index(start, []byte(field))
	if at < 0 {
		return delivery{}, fmt.Errorf("delivery: it has no %s", field)
	}
	text := &untilQuote{r: io.MultiReader(bytes.NewReader(start[at+len(field):]), rest)}
	kept := &beginning{}
	if _, err := io.Copy(kept, base64.NewDecoder(base64.StdEncoding, text)); err != nil {
		return delivery{}, fmt.Errorf("delivery: %w", err)
	}
	if _, err := io.Copy(io.Discard, text.r); err != nil { // an answer before the last byte is a failure for the sidecar
		return delivery{}, fmt.Errorf("delivery: %w", err)
	}
	return delivery{record: kept.bytes, bytes: kept.total}, nil
}

// untilQuote reads r up to a quotation mark, which it consumes.
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

// beginning is a writer that keeps the first maxBeginning bytes and counts all bytes.
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
