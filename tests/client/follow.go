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

// ErrEnough is what a listener returns when it has seen enough.
var ErrEnough = errors.New("basta")

// Event is a server-sent event, or a comment between two: its text is in Data.
type Event struct {
	ID, Name, Data string
	Comment        bool
}

// Events opens a live stream at path and gives each event to oir, until the stream ends (nil), oir returns ErrEnough (nil)
// or something fails. An answer that is no stream is a *Problem; 204 ends it at once.
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
		text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16)) // what came of it is enough for a message
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

// pollEvery is how often a purchase is read where there is no live stream.
const pollEvery = 50 * time.Millisecond

// Follow gives the purchase to oir after each change, from its first on, until oir returns ErrEnough (then nil) or another
// error (then that one), or ctx ends. It listens to the live stream, goes on where it was when that is cut, and reads
// again and again where there is none.
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
			break // there is no such stream
		}
	}
	return c.watch(ctx, id, listen)
}

// watch is Follow by reading.
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
