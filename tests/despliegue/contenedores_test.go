package despliegue

import (
	"cmp"
	"slices"
	"strings"
)

// contenedoresCerrados is what the restricted profile asks, and what it does not: a root that cannot be written, limits.
func contenedoresCerrados(_ *codigo, m, _ *manifiestos) []string {
	var q quejas
	for _, d := range m.cargas() {
		p := d.Spec
		q.si(p.HostNetwork || p.HostPID, "%s usa la red o los procesos del nodo", d)
		q.si(!falso(p.AutomountServiceAccountToken), "%s lleva el token de su cuenta", d)
		for _, v := range p.Volumes {
			q.si(v.HostPath != nil, "%s monta una carpeta del nodo: %s", d, v.Name)
		}
		for _, x := range slices.Concat(p.Containers, p.InitContainers) {
			s := x.SecurityContext
			q.si(!cierto(s.ReadOnlyRootFilesystem), "%s, contenedor %s: puede escribir su raíz", d, x.Name)
			q.si(!falso(s.AllowPrivilegeEscalation) || cierto(s.Privileged), "%s, contenedor %s: puede ganar privilegios", d, x.Name)
			q.si(!slices.Contains(s.Capabilities.Drop, "ALL") || len(s.Capabilities.Add) > 0, "%s, contenedor %s: guarda capacidades", d, x.Name)
			q.si(!cierto(p.SecurityContext.RunAsNonRoot) && !cierto(s.RunAsNonRoot), "%s, contenedor %s: puede ser root", d, x.Name)
			usuario := cmp.Or(s.RunAsUser, p.SecurityContext.RunAsUser)
			q.si(usuario == nil || *usuario == 0, "%s, contenedor %s: no dice con qué usuario corre, o es root", d, x.Name)
			q.si(cmp.Or(s.SeccompProfile.Type, p.SecurityContext.SeccompProfile.Type) != "RuntimeDefault", "%s, contenedor %s: sin perfil seccomp", d, x.Name)
			q.si(x.Resources.Requests["cpu"] == "" || x.Resources.Requests["memory"] == "" || x.Resources.Limits["memory"] == "", "%s, contenedor %s: sin recursos pedidos o sin límite de memoria", d, x.Name)
		}
		if d.esServicio() {
			q.si(!slices.ContainsFunc(p.TopologySpreadConstraints, func(t struct {
				TopologyKey string `yaml:"topologyKey"`
			}) bool {
				return t.TopologyKey == "topology.kubernetes.io/zone"
			}), "%s no se reparte por zonas", d)
			_, hay := m.buscar("PodDisruptionBudget", d.Metadata.Name)
			q.si(!hay, "%s: falta su PodDisruptionBudget", d)
		}
	}
	n, hay := m.buscar("Namespace", espacio)
	q.si(!hay || n.Metadata.Labels["pod-security.kubernetes.io/enforce"] != "restricted", "el espacio %s no exige el perfil restricted", espacio)
	return q
}

func imagenesFijas(_ *codigo, m, _ *manifiestos) []string {
	var q quejas
	for _, d := range m.cargas() {
		for _, x := range slices.Concat(d.Spec.Containers, d.Spec.InitContainers) {
			q.si(!fija(x.Image), "%s: la imagen %s no está fijada", d, x.Image)
		}
	}
	for _, o := range m.clase("Cluster") {
		imagen := leer[struct {
			ImageName string `yaml:"imageName"`
		}](o).ImageName
		q.si(!fija(imagen), "%s: la imagen %s no está fijada", o, imagen)
	}
	return q
}

// fija says whether an image names one version and always the same.
func fija(imagen string) bool {
	if strings.Contains(imagen, "@sha256:") {
		return true
	}
	_, etiqueta, hay := strings.Cut(imagen[strings.LastIndex(imagen, "/")+1:], ":")
	return hay && etiqueta != "" && !slices.Contains([]string{"latest", "edge", "main", "master", "stable", "nightly"}, etiqueta)
}
