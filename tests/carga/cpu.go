package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"entregas/tests/cliente"
)

// gastos is the processor time, in ms, that each program of the system has used. It is empty where that cannot be known:
// on another machine, or where nobody asked.
func gastos(ctx context.Context, entorno cliente.Entorno, pedido bool) map[string]float64 {
	if !pedido || entorno.Raiz == "" {
		return nil
	}
	local := cliente.Local{Raiz: entorno.Raiz, Instancia: entorno.Instancia}
	procesos, err := local.Procesos(ctx)
	if err != nil {
		return nil
	}
	usado := map[string]float64{}
	for _, p := range procesos {
		nombre := p.Nombre
		if p.Clase == "sidecar" {
			nombre += " (sidecar)"
		}
		if p.Pid == 0 {
			continue
		}
		usado[nombre] = msDe(strconv.Itoa(p.Pid))
		if p.Clase == "postgres" { // a process of its own for each session
			for _, hijo := range hijos(p.Pid) {
				usado[nombre] += msDe(hijo)
			}
		}
	}
	return usado
}

// msDe reads user and system time of a process, its ended children included: ticks of 10 ms.
func msDe(pid string) float64 {
	texto, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	_, resto, _ := strings.Cut(string(texto), ") ")
	campos := strings.Fields(resto) // begins at the third field of proc(5)
	var ticks float64
	for _, i := range []int{11, 12, 13, 14} {
		if i < len(campos) {
			n, _ := strconv.ParseFloat(campos[i], 64) // the kernel writes numbers
			ticks += n
		}
	}
	return ticks * 10
}

func hijos(pid int) []string {
	texto, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(texto))
}

// diferencia tells the greatest first what each used, by purchase.
func diferencia(antes, despues map[string]float64, compras int) string {
	por := map[string]float64{}
	total := 0.0
	for nombre, ms := range despues {
		por[nombre] = (ms - antes[nombre]) / float64(compras)
		total += por[nombre]
	}
	nombres := slices.SortedFunc(maps.Keys(por), func(a, b string) int { return int(1000 * (por[b] - por[a])) })
	partes := []string{fmt.Sprintf("%.0f en total", total)}
	for _, n := range nombres {
		if por[n] >= 0.5 {
			partes = append(partes, fmt.Sprintf("%s %.1f", n, por[n]))
		}
	}
	return strings.Join(partes, ", ")
}
