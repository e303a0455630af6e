# The system's few commands. `make help` lists them. INSTANCIA=test acts on the copy that `make test` uses,
# INSTANCIA=caos on the one for scenarios and chaos.
INSTANCIA ?= up
S ?=
DB ?= gestor_compra
LOCAL := .local/bin/local
ORDEN := $(LOCAL) --instance $(INSTANCIA)
MODULES := contracts workflows services bff tests
export GOWORK := $(CURDIR)/go.work

.PHONY: help demo up up-infra down reset status logs stop start restart attach dsn psql mensajes-muertos reponer apartar token build generate lint test test-unit test-e2e test-paginas escenario-desempeno escenario-escalabilidad escenario-disponibilidad escenario-perdidas caos bench imagenes compose-up test-compose gke-plan $(LOCAL)

help: ## esta lista
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-25s %s\n", $$1, $$2}'

demo: up ## arranca todo, hace compras de verdad y dibuja cómo avanzan
	@env $$($(ORDEN) env) go run ./tests/demo

up: $(LOCAL) ## prepara lo que falte, arranca todo y espera a que esté sano
	@$(ORDEN) up

up-infra: $(LOCAL) ## solo PostgreSQL, Pulsar, placement y scheduler
	@$(ORDEN) up --infra-only

down: $(LOCAL) ## para todo; conserva los datos
	@$(ORDEN) down

reset: $(LOCAL) ## para todo y borra los datos
	@$(ORDEN) reset

status: $(LOCAL) ## los procesos y su salud (FORMAT=json para programas)
	@$(ORDEN) status $(if $(filter json,$(FORMAT)),--json)

logs: $(LOCAL) ## sigue los registros, de uno con S=consolidador
	@$(ORDEN) logs $(S)

stop start restart: $(LOCAL)
	@$(ORDEN) $@ $(S)
stop: ## para un servicio con su sidecar (o postgres, pulsar, …): S=consolidador
start: ## arranca un servicio o una réplica: S=admin-productos-2
restart: ## construye de nuevo y reinicia un servicio: S=consolidador

attach: $(LOCAL) ## la interfaz de terminal del supervisor
	@$(ORDEN) attach

dsn: $(LOCAL) ## la dirección de una base: DB=productos|gestor_compra|ordenes
	@$(ORDEN) dsn $(DB)

psql: $(LOCAL) ## una consola en una base: DB=productos|gestor_compra|ordenes
	@$(ORDEN) psql $(DB)

mensajes-muertos: $(LOCAL) ## los mensajes que nadie pudo atender, con su motivo
	@$(ORDEN) mensajes-muertos

reponer: $(LOCAL) ## devuelve un mensaje muerto a su tema: ID=…
	@$(ORDEN) reponer $(ID)

apartar: $(LOCAL) ## aparta de su tema un mensaje que nadie puede leer: ID=…
	@$(ORDEN) apartar $(ID)

token: $(LOCAL) ## un token de desarrollo: ROL=cliente|operador USUARIO=ana
	@$(ORDEN) token $(ROL) $(USUARIO)

build: ## compila todo
	@for m in $(MODULES); do (cd $$m && go build ./...) || exit 1; done

generate: ## escribe de nuevo lo generado (Avro, OpenAPI, GraphQL, componentes, docs/settings.md)
	@for m in $(MODULES); do (cd $$m && go generate ./...) || exit 1; done

lint: ## formato, vet y golangci-lint
	@tools/pruebas.sh lint

test: ## todo: generado al día, lint, unidad, almacenamiento, extremo a extremo
	@tools/pruebas.sh todo

test-unit: ## solo lo que no necesita nada arrancado: segundos
	@tools/pruebas.sh unidad

test-e2e: ## extremo a extremo, en una copia propia del sistema
	@tools/pruebas.sh e2e

test-paginas: ## las páginas en un navegador de verdad; capturas en .local/capturas
	@tools/pruebas.sh paginas

escenario-desempeno: $(LOCAL) ## con cola, las compras con domicilio van primero y nadie espera sin fin
	@go run ./tests/scenarios/desempeno

escenario-escalabilidad: $(LOCAL) ## la cola crece, las réplicas también: gráfico en docs/results
	@go run ./tests/scenarios/escalabilidad

escenario-disponibilidad: $(LOCAL) ## cada servicio muerto un minuto, dos réplicas reiniciadas, y ningún cliente se entera (REPLICAS=1: solo lo segundo)
	@go run ./tests/scenarios/disponibilidad $(if $(REPLICAS),-replicas)

escenario-perdidas: $(LOCAL) ## lo que un disco perdido se lleva: se pregunta otra vez o se deshace
	@go run ./tests/scenarios/losses

caos: $(LOCAL) ## rompe todo lo que puede romperse mientras se compra: MINUTES=10 SEED=…; con FAULTS='conexiones|SIGSTOP' solo esas, una vez cada una
	@go run ./tests/chaos -minutes $(or $(MINUTES),$(if $(FAULTS),0,10)) $(if $(SEED),-seed $(SEED)) $(if $(FAULTS),-faults '$(FAULTS)') $(if $(REPORT),-report $(REPORT))

bench: up ## compras por segundo y latencia, a 1, 8 y 32 en vuelo
	@env $$($(ORDEN) env) go run ./tests/load

imagenes: ## construye la imagen de cada programa, con su lista de componentes
	@deploy/imagenes.sh

compose-up: imagenes ## todo en contenedores: http://127.0.0.1:8888
	@deploy/compose/secretos.sh
	@docker compose -f deploy/compose.yaml up -d --wait

test-compose: ## todo en contenedores aparte, con las pruebas principales, y lo quita
	@deploy/test-compose.sh

gke-plan: ## las órdenes para desplegar en GKE, con sus datos puestos
	@deploy/gke/plan.sh

# The set-up program; go rebuilds it only when its source changed.
$(LOCAL):
	@command -v go >/dev/null || { echo 'falta Go 1.26 o posterior: https://go.dev/dl' >&2; exit 1; }
	@[ -e $@ ] || echo 'compilo la herramienta de arranque (un minuto, solo la primera vez)' >&2
	@cd tools/local && GOWORK=off CGO_ENABLED=0 go build -trimpath -buildvcs=false -o ../../$(LOCAL) .
