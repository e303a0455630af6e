package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entregas/contracts"
)

// ErrEnough is the error that a listener returns to end a stream.
var ErrEnough = errors.New("enough")

// Event is a server-sent event, or a comment between two events. The text of a comment is in Data.
type Event struct {
	ID, Name, Data string
	Comment        bool
}

// Events opens the live stream at path and calls listen with each event after lastID. It returns nil when the stream ends, when listen
// returns ErrEnough and for status 204. For any other response that is not a stream, the error wraps a *Problem.
func (c *Client) Events(ctx context.Context, path, lastID string, listen func(Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.baseURL+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "text/event-stream")
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	if err := c.addCredentials(request); err != nil {
		return err
	}
	r, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode == http.StatusNoContent {
		return nil
	}
	if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
		text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16)) // the part that was read is enough for an error text
		return fmt.Errorf("GET %s: %w", path, Response{Status: r.StatusCode, Body: text}.Problem())
	}
	err = readEvents(r.Body, listen)
	if errors.Is(err, ErrEnough) {
		return nil
	}
	return err
}

func readEvents(r io.Reader, listen func(Event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 8<<20)
	var e Event
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			e.ID = value
		case "event":
			e.Name = value
		case "data":
			e.Data += value
		case "": // an empty line ends an event; one that begins with a colon is a comment
			finished := e
			if lines.Text() == "" {
				e = Event{}
			} else {
				finished = Event{Data: value, Comment: true}
			}
			if finished.Data == "" {
				continue
			}
			if err := listen(finished); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

// pollEvery is the time between two reads of a purchase that has no live stream.
const pollEvery = 50 * time.Millisecond

// Follow calls listen with the purchase after each of its changes, from the first change on. It returns nil when listen returns
// ErrEnough. It returns the error when listen returns another error or ctx ends. It reads the live stream. When the stream breaks off,
// it opens the stream again after the last event. If the server has no stream, it polls.
func (c *Client) Follow(ctx context.Context, id string, listen func(contracts.Compra) error) error {
	last, end := "", error(nil)
	for attempt := 0; attempt < 3; attempt++ {
		err := c.Events(ctx, "/compras/"+url.PathEscape(id)+"/eventos", last, func(e Event) error {
			if e.Comment {
				return nil
			}
			var compra contracts.Compra
			if err := json.Unmarshal([]byte(e.Data), &compra); err != nil {
				return fmt.Errorf("evento %s: %w", e.ID, err)
			}
			attempt, last = 0, e.ID
			end = listen(compra)
			return end
		})
		if end != nil {
			return withoutEnough(end)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var problem *Problem
		if errors.As(err, &problem) && problem.Status < http.StatusInternalServerError {
			break // the server has no stream
		}
	}
	return c.watch(ctx, id, listen)
}

// watch is Follow by polling.
func (c *Client) watch(ctx context.Context, id string, listen func(contracts.Compra) error) error {
	number := -1
	var last error
	for {
		compra, err := c.Load(ctx, id)
		var problem *Problem
		if errors.As(err, &problem) && problem.Status == http.StatusNotFound {
			return err
		}
		if err != nil {
			last = err
		} else if compra.Numero() > number {
			number = compra.Numero()
			if err := listen(compra); err != nil {
				return withoutEnough(err)
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), last)
		case <-time.After(pollEvery):
		}
	}
}

func withoutEnough(err error) error {
	if errors.Is(err, ErrEnough) {
		return nil
	}
	return err
}
