# The commands of the system; `make help` lists them. INSTANCIA selects the copy of the system that a target acts on:
# `up` for daily work, `test` for `make test`, `chaos` for scenarios and faults.
INSTANCIA ?= up
S ?=
DB ?= gestor_compra
LOCAL := .local/bin/local
RUN := $(LOCAL) --instance $(INSTANCIA)
MODULES := contracts workflows internal services bff tests
export GOWORK := $(CURDIR)/go.work

.PHONY: help demo observe up up-infra down reset status logs stop start restart attach dsn psql dead-letters put-back set-aside backup restore sizes erase mail token build generate lint test test-unit test-examples test-swapped test-e2e test-traces test-observe test-pages pictures escenario-desempeno escenario-escalabilidad escenario-disponibilidad scenario-losses scenario-retention test-restore chaos test-alerts conformance conformance-mutants bench bench-observe images compose-up test-compose gke-plan $(LOCAL)

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-25s %s\n", $$1, $$2}'

demo: up ## start everything, send real purchases and print what happens
	@env $$($(RUN) env) go run ./tests/demo

up: $(LOCAL) ## build what is missing, start everything and wait until it is healthy (CONSOLIDADOR=python: that of examples/python)
	@$(RUN) up

observe: $(LOCAL) ## start what shows traces, metrics, dashboards and alerts, beside the running system (OFF=1 ends it)
	@$(RUN) observe $(if $(OFF),off)

up-infra: $(LOCAL) ## PostgreSQL, Pulsar, placement and scheduler only
	@$(RUN) up --infra-only

down: $(LOCAL) ## stop everything; the data stays
	@$(RUN) down

reset: $(LOCAL) ## stop everything and delete the data
	@$(RUN) reset

status: $(LOCAL) ## the processes and their health (FORMAT=json for programs)
	@$(RUN) status $(if $(filter json,$(FORMAT)),--json)

logs: $(LOCAL) ## follow the logs, or those of one process: S=consolidador
	@$(RUN) logs $(S)

stop start restart: $(LOCAL)
	@$(RUN) $@ $(S)
stop: ## stop a service with its sidecar (or postgres, pulsar, ...): S=consolidador
start: ## start a service or a replica: S=admin-productos-2
restart: ## build a service again and restart it: S=consolidador (CONSOLIDADOR=python swaps it)

attach: $(LOCAL) ## open the supervisor's terminal interface
	@$(RUN) attach

dsn: $(LOCAL) ## print the address of a database: DB=productos|gestor_compra|ordenes|avisos|bff|dapr
	@$(RUN) dsn $(DB)

psql: $(LOCAL) ## open a console on a database: DB=productos|gestor_compra|ordenes|avisos|bff|dapr
	@$(RUN) psql $(DB)

dead-letters: $(LOCAL) ## list the messages that no service could handle, with the reason
	@$(RUN) dead-letters

put-back: $(LOCAL) ## return a dead letter to its topic: ID=...
	@$(RUN) put-back $(ID)

set-aside: $(LOCAL) ## take a message that no sidecar can read off its topic: ID=...
	@$(RUN) set-aside $(ID)

backup: $(LOCAL) ## copy all databases while they are in use, to .local/backups
	@$(RUN) backup

restore: $(LOCAL) ## start an empty instance with the databases of the newest backup, or of FOLDER=...
	@$(RUN) restore $(if $(FOLDER),'$(FOLDER)')

sizes: $(LOCAL) ## how much each table, topic and folder holds
	@$(RUN) sizes

erase: $(LOCAL) ## erase the personal data of a customer from what has ended: USUARIO=ana
	@$(RUN) erase $(if $(USUARIO),'$(USUARIO)')

mail: $(LOCAL) ## print the newest mail that was sent to a customer
	@$(RUN) mail

token: $(LOCAL) ## print a development token: ROL=cliente|operador USUARIO=ana
	@$(RUN) token $(ROL) $(USUARIO)

build: ## compile everything
	@for m in $(MODULES); do (cd $$m && go build ./...) || exit 1; done

generate: ## write all generated files again (Avro, OpenAPI, GraphQL, components, docs/settings.md)
	@for m in $(MODULES); do (cd $$m && go generate ./...) || exit 1; done

lint: ## gofmt, vet and golangci-lint
	@tools/test.sh lint

test: ## everything: generated files, lint, unit, storage, end to end, pages, faults
	@tools/test.sh all

test-unit: ## what needs nothing that runs: seconds
	@tools/test.sh unit

test-examples: ## the participants in other languages: linters, types, unit tests
	@tools/test.sh examples

test-swapped: ## the main paths of the system with the participants in other languages
	@tools/test.sh swapped

test-e2e: ## end to end, on a copy of the system of its own
	@tools/test.sh e2e

test-traces: ## one trace a purchase, of 1,000 purchases of every kind and after kills (TRACED_PURCHASES=1000)
	@TRACED_PURCHASES=$(or $(TRACED_PURCHASES),1000) tools/test.sh traces

test-observe: $(LOCAL) ## ask the store of metrics each query of the dashboards and the rules: which name no series (needs make observe)
	@cd tests && env $$(../$(RUN) env) go test -count=1 -v -run TestQueriesOnTheRunningSystem ./deployment

test-pages: ## the pages in a real browser; screenshots in .local/screenshots
	@tools/test.sh pages

pictures: test-pages ## the pictures of the README, from the screenshots of the pages
	@cp .local/pictures/*.webp docs/pictures/

escenario-desempeno: $(LOCAL) ## with a queue, purchases with home delivery go first and no purchase waits for ever
	@go run ./tests/scenarios/desempeno

escenario-escalabilidad: $(LOCAL) ## the queue grows and so do the replicas: chart in docs/results
	@go run ./tests/scenarios/escalabilidad

escenario-disponibilidad: $(LOCAL) ## each service dead for a minute, two replicas restarted, and no client notices (REPLICAS=1: only the replicas)
	@go run ./tests/scenarios/disponibilidad $(if $(REPLICAS),-replicas)

test-restore: $(LOCAL) ## backup while customers buy, loss of everything, restore, audit
	@go run ./tests/scenarios/restore $(if $(BEFORE),-before $(BEFORE)) $(if $(AFTER),-after $(AFTER))

scenario-retention: $(LOCAL) ## what purchases leave behind, and what is left of it after its retention: PURCHASES=1000
	@go run ./tests/scenarios/retention $(if $(PURCHASES),-compras $(PURCHASES))

scenario-losses: $(LOCAL) ## what a lost disk takes away is asked for again or undone
	@go run ./tests/scenarios/losses

chaos: $(LOCAL) ## break everything that can break while customers buy: MINUTES=10 SEED=...; FAULTS='connections|SIGSTOP' tries only those, once each
	@go run ./tests/chaos -minutes $(or $(MINUTES),$(if $(FAULTS),0,10)) $(if $(SEED),-seed $(SEED)) $(if $(FAULTS),-faults '$(FAULTS)') $(if $(REPORT),-report $(REPORT))

conformance: $(LOCAL) ## judge a service beside the running system, in a namespace and a database of its own: APP=ordenes LEVEL=C ONLY=killed,stopped
	@go run ./tests/conformance -beside $(INSTANCIA) -profile $(or $(APP),ordenes) -level $(or $(LEVEL),C) $(if $(ONLY),-only $(ONLY)) $(if $(JUNIT),-junit $(JUNIT))

conformance-mutants: $(LOCAL) ## show that each case of the kit can fail: it judges services with a small mistake
	@go run ./tests/conformance/mutants -beside $(INSTANCIA) $(if $(ONLY),-only $(ONLY))

test-alerts: $(LOCAL) ## cause each class of faults: its alert fires within a minute and clears (FAULTS='Pulsar|mail'; QUIET=30m: no alert fires without a fault)
	@go run ./tests/chaos $(if $(QUIET),-quiet $(QUIET),-alerts $(if $(TOGETHER),-together)) -clients 2 $(if $(SEED),-seed $(SEED)) $(if $(FAULTS),-faults '$(FAULTS)') $(if $(REPORT),-report $(REPORT))

bench: up ## purchases per second and latency, with 1, 8 and 32 in flight
	@env $$($(RUN) env) go run ./tests/load

bench-observe: up ## what make observe costs: purchases per second and processor time, on and off in turns (ROUNDS=6)
	@env $$($(RUN) env) go run ./tests/load -observe -rounds $(or $(ROUNDS),6) -in-flight 8

images: ## build the image of each program, with its list of components
	@deploy/images.sh

compose-up: images ## everything in containers: http://127.0.0.1:8888
	@deploy/compose/secrets.sh
	@docker compose -f deploy/compose.yaml up -d --wait

test-compose: ## everything in containers of its own, with the main tests; removed at the end
	@deploy/test-compose.sh

gke-plan: ## print the commands of a deployment to GKE, with your values
	@deploy/gke/plan.sh

# go rebuilds the program only when its source changed.
$(LOCAL):
	@command -v go >/dev/null || { echo 'Go 1.26 or later is missing: https://go.dev/dl' >&2; exit 1; }
	@[ -e $@ ] || echo 'building tools/local (one minute, only the first time)' >&2
	@cd tools/local && GOWORK=off CGO_ENABLED=0 go build -trimpath -buildvcs=false -o ../../$(LOCAL) .
