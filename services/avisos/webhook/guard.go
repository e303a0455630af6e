package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"entregas/contracts"
)

// A person gives the addresses, and this service is inside of our network. So it must not connect to anything that is not public:
// not to our own services, not to the metadata of a cloud (docs/adr/webhooks-leave-the-network.md).

// forbidden are the networks that are not public, or that lead to one that is not: the registries of special-purpose addresses of
// IANA, and the address under which Azure serves its metadata. Of IPv6, only 2000::/3 is public at all.
var forbidden = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
	"2001::/23",     // Teredo, ORCHID and other protocols
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4 has an IPv4 address inside
	"2620:4f:8000::/48",
	"3fff::/20", // documentation
)

var (
	publicV6 = netip.MustParsePrefix("2000::/3")
	// nat64 are the prefixes behind which a translator reaches IPv4, our own network included. They are not in publicV6; the list
	// says which form is meant.
	nat64 = prefixes("64:ff9b::/96", "64:ff9b:1::/48")
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// isPublic reports whether a is an address of the public Internet.
func isPublic(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap() // ::ffff:10.0.0.1 is 10.0.0.1
	for _, p := range append(forbidden, nat64...) {
		if p.Contains(a) {
			return false
		}
	}
	return a.Is4() || publicV6.Contains(a)
}

const (
	httpPort  = 80
	httpsPort = 443
	// firstFreePort is the first port that no system service has. The ports below lead to mail, databases and shells.
	firstFreePort = 1024
)

func portAllowed(port uint16) bool {
	return port == httpPort || port == httpsPort || port >= firstFreePort
}

// errForbidden is the error of a connection to an address that is not public.
type errForbidden struct{ address string }

func (e *errForbidden) Error() string { return "forbidden address " + e.address }

// control refuses the connection to an address that is not allowed. The dialer calls it for each address that it found for a name,
// right before it connects. So it does not matter what the name meant when the address was created.
func (s *Sender) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil || !s.reachable(target) {
		return &errForbidden{address}
	}
	return nil
}

func (s *Sender) reachable(target netip.AddrPort) bool {
	a := target.Addr().Unmap()
	return portAllowed(target.Port()) && (isPublic(target.Addr()) || s.loopback && a.IsLoopback() && a.Zone() == "")
}

// CheckURL refuses a URL to which nothing may be delivered. It returns nil or a *contracts.ValidationError about url. It does not look a
// name up: the connection decides.
func (s *Sender) CheckURL(text string) error {
	if detail := s.wrong(text); detail != "" {
		return contracts.BadField("url", detail)
	}
	return nil
}

func (s *Sender) wrong(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "" || u.Hostname() == "":
		return "debe ser una dirección completa, por ejemplo https://ejemplo.com/avisos"
	case u.Scheme != "https" && (u.Scheme != "http" || !s.loopback):
		return "debe empezar por https://"
	case u.User != nil:
		return "no puede tener usuario ni contraseña"
	case u.Fragment != "" || strings.Contains(text, "#"):
		return "no puede tener un fragmento (#)"
	}
	port := uint64(httpsPort)
	if u.Port() != "" || strings.HasSuffix(u.Host, ":") {
		if port, err = strconv.ParseUint(u.Port(), 10, 16); err != nil {
			return "tiene un puerto que no es un número"
		}
	}
	if !portAllowed(uint16(port)) {
		return fmt.Sprintf("debe usar el puerto %d, %d o uno desde %d", httpsPort, httpPort, firstFreePort)
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	literal, err := netip.ParseAddr(host)
	switch {
	case err == nil && !s.reachable(netip.AddrPortFrom(literal, uint16(port))):
		return "lleva a una red que no es pública"
	case err == nil:
		return ""
	case !s.loopback && (host == "localhost" || strings.HasSuffix(host, ".localhost")), strings.HasSuffix(host, ".local"), strings.HasSuffix(host, ".internal"):
		return "lleva a una red que no es pública"
	case !hasLetter(host): // 2130706433 and 0x7f.1 are addresses for some resolvers
		return "tiene un nombre que no es de Internet"
	}
	return ""
}

// hasLetter reports whether the last label of a name has a letter other than the x of a number, as every public name has.
func hasLetter(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if _, err := strconv.ParseUint(last, 0, 64); err == nil {
		return false
	}
	return strings.ContainsFunc(last, func(r rune) bool { return r >= 'a' && r <= 'z' })
}

// isForbidden returns the address to which err says that nothing may be delivered.
func isForbidden(err error) (string, bool) {
	var refused *errForbidden
	if errors.As(err, &refused) {
		return refused.address, true
	}
	return "", false
}
