package deployment

import (
	"cmp"
	"slices"
	"strings"
)

// containersAreClosed is what the restricted profile asks, and what it does not: a root that cannot be written, limits.
func containersAreClosed(_ *code, m, _ *manifests) []string {
	var q complaints
	for _, d := range m.workloads() {
		p := d.Spec
		q.si(p.HostNetwork || p.HostPID, "%s usa la red o los procesos del nodo", d)
		q.si(!isFalse(p.AutomountServiceAccountToken), "%s lleva el token de su cuenta", d)
		for _, v := range p.Volumes {
			q.si(v.HostPath != nil, "%s monta una carpeta del nodo: %s", d, v.Name)
		}
		for _, x := range slices.Concat(p.Containers, p.InitContainers) {
			s := x.SecurityContext
			q.si(!isTrue(s.ReadOnlyRootFilesystem), "%s, contenedor %s: puede escribir su raíz", d, x.Name)
			q.si(!isFalse(s.AllowPrivilegeEscalation) || isTrue(s.Privileged), "%s, contenedor %s: puede ganar privilegios", d, x.Name)
			q.si(!slices.Contains(s.Capabilities.Drop, "ALL") || len(s.Capabilities.Add) > 0, "%s, contenedor %s: guarda capacidades", d, x.Name)
			q.si(!isTrue(p.SecurityContext.RunAsNonRoot) && !isTrue(s.RunAsNonRoot), "%s, contenedor %s: puede ser root", d, x.Name)
			usuario := cmp.Or(s.RunAsUser, p.SecurityContext.RunAsUser)
			q.si(usuario == nil || *usuario == 0, "%s, contenedor %s: no dice con qué usuario corre, o es root", d, x.Name)
			q.si(cmp.Or(s.SeccompProfile.Type, p.SecurityContext.SeccompProfile.Type) != "RuntimeDefault", "%s, contenedor %s: sin perfil seccomp", d, x.Name)
			q.si(x.Resources.Requests["cpu"] == "" || x.Resources.Requests["memory"] == "" || x.Resources.Limits["memory"] == "", "%s, contenedor %s: sin recursos pedidos o sin límite de memoria", d, x.Name)
		}
		if d.isService() {
			q.si(!slices.ContainsFunc(p.TopologySpreadConstraints, func(t struct {
				TopologyKey string `yaml:"topologyKey"`
			}) bool {
				return t.TopologyKey == "topology.kubernetes.io/zone"
			}), "%s no se reparte por zonas", d)
			_, found := m.search("PodDisruptionBudget", d.Metadata.Name)
			q.si(!found, "%s: falta su PodDisruptionBudget", d)
		}
	}
	n, found := m.search("Namespace", namespace)
	q.si(!found || n.Metadata.Labels["pod-security.kubernetes.io/enforce"] != "restricted", "el espacio %s no exige el perfil restricted", namespace)
	return q
}

func pinnedImages(_ *code, m, _ *manifests) []string {
	var q complaints
	for _, d := range m.workloads() {
		for _, x := range slices.Concat(d.Spec.Containers, d.Spec.InitContainers) {
			q.si(!isPinned(x.Image), "%s: la imagen %s no está fijada", d, x.Image)
		}
	}
	for _, o := range m.kind("Cluster") {
		image := read[struct {
			ImageName string `yaml:"imageName"`
		}](o).ImageName
		q.si(!isPinned(image), "%s: la imagen %s no está fijada", o, image)
	}
	return q
}

// isPinned says whether an image names one version and always the same.
func isPinned(image string) bool {
	if strings.Contains(image, "@sha256:") {
		return true
	}
	_, tag, found := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return found && tag != "" && !slices.Contains([]string{"latest", "edge", "main", "master", "stable", "nightly"}, tag)
}
