package deployment

import (
	"cmp"
	"slices"
	"strings"
)

// containersAreClosed checks the rules of the restricted profile of Kubernetes. It also checks for a read-only root file system,
// resource requests and limits.
func containersAreClosed(_ *code, m, _ *manifests) []string {
	var q complaints
	for _, d := range m.workloads() {
		p := d.Spec
		q.when(p.HostNetwork || p.HostPID, "%s uses the network or the processes of the node", d)
		q.when(!isFalse(p.AutomountServiceAccountToken), "%s has the token of its account", d)
		for _, v := range p.Volumes {
			q.when(v.HostPath != nil, "%s mounts a folder of the node: %s", d, v.Name)
		}
		for _, x := range slices.Concat(p.Containers, p.InitContainers) {
			s := x.SecurityContext
			q.when(!isTrue(s.ReadOnlyRootFilesystem), "%s, container %s: can write its root", d, x.Name)
			q.when(!isFalse(s.AllowPrivilegeEscalation) || isTrue(s.Privileged), "%s, container %s: can gain privileges", d, x.Name)
			q.when(!slices.Contains(s.Capabilities.Drop, "ALL") || len(s.Capabilities.Add) > 0, "%s, container %s: keeps capabilities", d, x.Name)
			q.when(!isTrue(p.SecurityContext.RunAsNonRoot) && !isTrue(s.RunAsNonRoot), "%s, container %s: can be root", d, x.Name)
			user := cmp.Or(s.RunAsUser, p.SecurityContext.RunAsUser)
			q.when(user == nil || *user == 0, "%s, container %s: does not name its user, or is root", d, x.Name)
			q.when(cmp.Or(s.SeccompProfile.Type, p.SecurityContext.SeccompProfile.Type) != "RuntimeDefault", "%s, container %s: no seccomp profile", d, x.Name)
			q.when(x.Resources.Requests["cpu"] == "" || x.Resources.Requests["memory"] == "" || x.Resources.Limits["memory"] == "", "%s, container %s: no resource requests or no memory limit", d, x.Name)
		}
		if d.isService() {
			q.when(!slices.ContainsFunc(p.TopologySpreadConstraints, func(t struct {
				TopologyKey string `yaml:"topologyKey"`
			}) bool {
				return t.TopologyKey == "topology.kubernetes.io/zone"
			}), "%s is not spread over zones", d)
			_, found := m.search("PodDisruptionBudget", d.Metadata.Name)
			q.when(!found, "%s: it has no PodDisruptionBudget", d)
		}
	}
	n, found := m.search("Namespace", namespace)
	q.when(!found || n.Metadata.Labels["pod-security.kubernetes.io/enforce"] != "restricted", "namespace %s does not enforce the restricted profile", namespace)
	return q
}

func pinnedImages(_ *code, m, _ *manifests) []string {
	var q complaints
	for _, d := range m.workloads() {
		for _, x := range slices.Concat(d.Spec.Containers, d.Spec.InitContainers) {
			q.when(!isPinned(x.Image), "%s: the image %s is not pinned", d, x.Image)
		}
	}
	for _, o := range m.kind("Cluster") {
		image := read[struct {
			ImageName string `yaml:"imageName"`
		}](o).ImageName
		q.when(!isPinned(image), "%s: the image %s is not pinned", o, image)
	}
	return q
}

// isPinned reports whether an image reference always means the same version.
func isPinned(image string) bool {
	if strings.Contains(image, "@sha256:") {
		return true
	}
	_, tag, found := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return found && tag != "" && !slices.Contains([]string{"latest", "edge", "main", "master", "stable", "nightly"}, tag)
}
