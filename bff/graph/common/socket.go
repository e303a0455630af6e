package common

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"entregas/bff/identity"
	"entregas/bff/streams"
	"entregas/internal/errs"
)

const subprotocol = "graphql-transport-ws"

// The closing codes of graphql-transport-ws (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md). The other closing
// codes are of RFC 6455. The reasons have the words of the protocol.
const (
	closeInvalidMessage websocket.StatusCode = 4400
	closeUnauthorized   websocket.StatusCode = 4401
	closeForbidden      websocket.StatusCode = 4403
	closeSubprotocol    websocket.StatusCode = 4406
	closeInitTimeout    websocket.StatusCode = 4408
	closeDuplicate      websocket.StatusCode = 4409
	closeSecondInit     websocket.StatusCode = 4429
)

// The limits of one socket.
const (
	// initTimeout is how long the client of a websocket may take to send connection_init.
	initTimeout       = 10 * time.Second
	maxSocketMessage  = 64 << 10 // bytes
	messagesPerSecond = 50       // of a client; twice as many may come at once
	maxSubscriptions  = 100      // operations that are open at once
)

// Sockets are the websockets of GraphQL.
type Sockets struct {
	Stop        context.Context // its end closes all sockets
	InitTimeout time.Duration   // how long a client may take to send connection_init; 0 is initTimeout
	Heartbeat   time.Duration   // pause between two pings, and between two checks of the session; 0 is streams.Heartbeat
	Origins     []string        // origins of other pages that may open a socket, with a token and not with the cookie (CORS_ORIGINS)
	// Identify returns a context whose caller is the owner of token. Errors: NoIdentity, TooMany, Unavailable.
	Identify func(ctx context.Context, token string) (context.Context, error)
}

// Transport returns the transport of gqlgen that serves the sockets.
func (s Sockets) Transport() transport.Websocket {
	s.InitTimeout, s.Heartbeat = cmp.Or(s.InitTimeout, initTimeout), cmp.Or(s.Heartbeat, streams.Heartbeat)
	return transport.Websocket{Implementation: s, InitFunc: s.start, PingPongInterval: s.Heartbeat}
}

// Accept implements transport.WebsocketImplementation. It closes the socket of a client that does not speak graphql-transport-ws.
func (s Sockets) Accept(w http.ResponseWriter, r *http.Request, _ transport.WebsocketAcceptOptions) (transport.WebsocketConn, error) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, OriginPatterns: s.Origins})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(maxSocketMessage)
	k := newSocket(conn, s)
	if slot, is := r.Context().Value(socketKey{}).(*socketSlot); is {
		slot.socket = k
	}
	if conn.Subprotocol() != subprotocol {
		k.end(closeSubprotocol, "Subprotocol not acceptable")
	}
	return k, nil
}

// socketSlot carries the socket from Accept to code that has only the context of the request.
type socketSlot struct{ socket *socket }

type socketKey struct{}

// socketOf returns the socket of ctx, nil where it has none.
func socketOf(ctx context.Context) *socket {
	if slot, is := ctx.Value(socketKey{}).(*socketSlot); is {
		return slot.socket
	}
	return nil
}

// start checks connection_init. Only an identified client keeps a socket, as long as its token or session holds. The token may be
// in payload, since a browser cannot set a header of a websocket. A token in payload replaces the credentials of the request.
func (s Sockets) start(ctx context.Context, payload transport.InitPayload) (context.Context, *transport.InitPayload, error) {
	if token, given := tokenOf(payload); given {
		known, err := s.Identify(ctx, token)
		if err != nil {
			return closing(ctx, err), nil, err
		}
		ctx = known
	}
	if err := identity.Require(ctx); err != nil {
		return closing(ctx, err), nil, err
	}
	if k := socketOf(ctx); k != nil {
		k.watch(ctx)
	}
	return ctx, nil, nil
}

// tokenOf returns the token in the payload of connection_init. Clients send it under different names.
func tokenOf(payload transport.InitPayload) (token string, given bool) {
	for _, key := range []string{"Authorization", "authorization", "token"} {
		if value, has := payload[key]; has {
			text, _ := value.(string)
			if scheme, rest, two := strings.Cut(text, " "); two && strings.EqualFold(scheme, "Bearer") {
				text = rest
			}
			return strings.TrimSpace(text), true
		}
	}
	return "", false
}

// closing returns a context with the code by which gqlgen closes a socket that is refused with err.
func closing(ctx context.Context, err error) context.Context {
	code, reason := closeForbidden, "Forbidden"
	if c := errs.Of(err); c != errs.NoIdentity && c != errs.NoPermission {
		code, reason = websocket.StatusTryAgainLater, "Try again later"
	}
	return transport.AppendCloseReason(transport.WithWebsocketCloseCode(ctx, int(code)), reason)
}

// socketOperations refuses an operation on a socket whose session has ended, and closes the socket. It must be the last extension
// that refuses operations. From then on the operation itself gives its lease back.
type socketOperations struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = socketOperations{}

// ExtensionName implements graphql.HandlerExtension.
func (socketOperations) ExtensionName() string { return "SocketOperations" }

// Validate implements graphql.HandlerExtension.
func (socketOperations) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (socketOperations) MutateOperationContext(ctx context.Context, _ *graphql.OperationContext) *gqlerror.Error {
	k := socketOf(ctx)
	if k == nil {
		return nil
	}
	err := identity.StillValid(ctx)
	if err == nil {
		k.hold(nil) // the operation gives back its lease
		return nil
	}
	if errs.Of(err) == errs.NoIdentity {
		k.end(closeForbidden, "Forbidden")
	}
	return refuse(ctx, err).Errors[0]
}

// upgradable refuses a request that is no websocket of RFC 6455, or comes from a page that is neither ours nor of origins: a browser
// sends the session's cookie from any page.
func upgradable(r *http.Request, origins []string) error {
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	if err != nil || len(key) != 16 || !hasToken(r.Header, "Upgrade", "websocket") || !hasToken(r.Header, "Connection", "upgrade") || r.Header.Get("Sec-WebSocket-Version") != "13" {
		return errs.New(errs.Invalid, "Esto no es un websocket (RFC 6455, versión 13).")
	}
	if !fromOurPages(r) && !slices.Contains(origins, r.Header.Get("Origin")) {
		return errs.New(errs.NoPermission, "Un websocket se abre desde una página de este sistema, no desde otro sitio.")
	}
	return nil
}

// fromOurPages reports whether a request comes from one of our own pages, or from no page.
func fromOurPages(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	u, err := url.Parse(origin)
	return origin == "" || err == nil && strings.EqualFold(u.Host, r.Host)
}

// hasToken reports whether the list in the header name has token.
func hasToken(h http.Header, name, token string) bool {
	return slices.ContainsFunc(strings.Split(strings.Join(h.Values(name), ","), ","), func(s string) bool {
		return strings.EqualFold(strings.TrimSpace(s), token)
	})
}
