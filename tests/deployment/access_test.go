package deployment

import (
	"slices"
	"strings"
)

type configuration struct {
	MTLS struct {
		Enabled                 bool
		ControlPlaneTrustDomain string `yaml:"controlPlaneTrustDomain"`
		SentryAddress           string `yaml:"sentryAddress"`
	}
	Workflow struct {
		StateRetentionPolicy struct {
			AnyTerminal string `yaml:"anyTerminal"`
		} `yaml:"stateRetentionPolicy"`
	}
	Tracing struct {
		SamplingRate string `yaml:"samplingRate"`
	}
	AccessControl struct {
		DefaultAction string `yaml:"defaultAction"`
		TrustDomain   string `yaml:"trustDomain"`
		Policies      []policy
	} `yaml:"accessControl"`
}

type policy struct {
	AppID         string `yaml:"appId"`
	Namespace     string
	TrustDomain   string `yaml:"trustDomain"`
	DefaultAction string `yaml:"defaultAction"`
	Operations    []struct {
		Name     string
		HTTPVerb []string `yaml:"httpVerb"`
		Action   string
	}
}

// access checks that the Configuration of the called app allows each call that the code makes, and no other call.
func access(c *code, m, _ *manifests) []string {
	var q complaints
	domains := map[string]string{}
	for id := range c.apps {
		o, found := m.search("Configuration", id)
		if q.when(!found, "deploy/k8s/base/%s/access.yaml: there is no Configuration of %s", id, id); !found {
			continue
		}
		x := read[configuration](o)
		domains[id] = x.AccessControl.TrustDomain
		q.when(x.AccessControl.DefaultAction != "deny", "%s: lets through by default (%q)", o, x.AccessControl.DefaultAction)
		q.when(!x.MTLS.Enabled || x.MTLS.ControlPlaneTrustDomain == "" || x.MTLS.SentryAddress == "", "%s: without mTLS", o)
		q.when(x.Workflow.StateRetentionPolicy.AnyTerminal == "", "%s: keeps finished workflows for ever", o)
		q.when(x.Tracing.SamplingRate == "", "%s: without traces", o)
		for _, p := range x.AccessControl.Policies {
			q.when(p.DefaultAction != "deny", "%s: allows %s everything that it does not name", o, p.AppID)
			q.when(p.Namespace != namespace, "%s: %s is not of namespace %q", o, p.AppID, p.Namespace)
			_, found := c.apps[p.AppID]
			q.when(!found, "%s: there is no program %s", o, p.AppID)
			q.when(!c.called()[[2]string{p.AppID, id}], "%s: %s does not call %s", o, p.AppID, id)
			for _, op := range p.Operations {
				q.when(strings.HasPrefix(op.Name, "/mensajes/") || op.Name == "/**" || op.Name == "/*", "%s: %s opens more than its own paths", o, op.Name)
				for _, verb := range op.HTTPVerb {
					q.when(!slices.ContainsFunc(slices.Concat(c.routes[id], c.routes["internal"]), func(r route) bool {
						return r.verb == verb && strings.HasPrefix(r.pattern+"/", strings.TrimSuffix(op.Name, "**"))
					}), "%s: %s does not serve %s %s", o, id, verb, op.Name)
				}
			}
		}
	}
	for _, l := range c.calls {
		o, found := m.search("Configuration", l.a)
		q.when(!found || !permits(read[configuration](o), domains[l.from], l), "%s: %s does not let it through", l, o)
	}
	return q
}

// permits decides in the same way as a sidecar (dapr/pkg/acl at 1.18.1).
func permits(x configuration, domain string, l call) bool {
	action := x.AccessControl.DefaultAction
	i := slices.IndexFunc(x.AccessControl.Policies, func(p policy) bool { return p.AppID == l.from && p.Namespace == namespace })
	if i < 0 || x.AccessControl.Policies[i].TrustDomain != domain {
		return action == "allow"
	}
	p := x.AccessControl.Policies[i]
	action = p.DefaultAction
	treeRoot := &node{}
	for k := range p.Operations {
		treeRoot.put(strings.ToLower(p.Operations[k].Name), k)
	}
	if k, found := treeRoot.search(strings.ToLower(l.route)); found && slices.ContainsFunc(p.Operations[k].HTTPVerb, func(v string) bool { return v == l.verb || v == "*" }) {
		action = p.Operations[k].Action
	}
	return action == "allow"
}

// node is a node of Dapr's tree of operations (dapr/pkg/config/acl_trie.go at 1.18.1), with the same rules: an operation also covers
// every path below it, and /* counts only at the end.
type node struct {
	chunk    string
	datum    *int
	children []*node
}

func (n *node) put(operation string, datum int) {
	parts := strings.Split(operation, "/")[1:]
	for i, part := range parts {
		part = "/" + part
		k := slices.IndexFunc(n.children, func(h *node) bool { return h.chunk == part })
		if k < 0 {
			n.children = append(n.children, &node{chunk: part})
			k = len(n.children) - 1
		}
		n = n.children[k]
		if i == len(parts)-1 && n.datum == nil {
			n.datum = &datum
		}
	}
}

func (n *node) search(operation string) (int, bool) {
	parts := strings.Split(operation, "/")[1:]
	for i, part := range parts {
		end := i == len(parts)-1
		if n = n.child("/"+part, end); n == nil {
			return 0, false
		}
		if n.datum != nil {
			if !end && strings.HasSuffix(n.chunk, "/*") {
				continue
			}
			return *n.datum, true
		}
		if end {
			if n = n.child("/*", end); n != nil && n.datum != nil {
				return *n.datum, true
			}
			return 0, false
		}
	}
	return 0, false
}

func (n *node) child(chunk string, end bool) *node {
	for _, h := range n.children {
		if h.chunk == chunk || h.chunk == "/**" || h.chunk == "/*" && end {
			return h
		}
	}
	return nil
}
