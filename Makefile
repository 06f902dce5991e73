# The commands of the gateway. Needs a JDK 25 or newer, found by itself, and Maven.
.DEFAULT_GOAL := help
.PHONY: help run dev stand-ins test ext test-ext bench-grpc test-engines test-clients lint-contract lint-deploy image-check release-check test-browser browser-packages build check policy policy-page vectors fuzz bench chaos rolling soak scaling profile bench-peers microbench format clean compiled jdk

NEEDS_JDK := $(filter-out help clean browser-packages,$(or $(MAKECMDGOALS),help))
ifneq ($(NEEDS_JDK),)
JAVA_HOME := $(shell sh src/dev/find-jdk.sh 2>/dev/null)
ifeq ($(JAVA_HOME),)
$(error $(shell sh src/dev/find-jdk.sh 2>&1))
endif
ifeq ($(shell command -v mvn),)
$(error Maven is missing: install it (for example apt-get install maven, brew install maven))
endif
export JAVA_HOME
# Maven 3.8 itself uses what a newer JDK warns of, and writes escape codes at its end even without colour.
export MAVEN_OPTS := $(MAVEN_OPTS) --sun-misc-unsafe-memory-access=allow -Djansi.noreset=true
endif

MVN := mvn -B -ntp -q -Dstyle.color=never
JAVA := $(JAVA_HOME)/bin/java
JAVA_OPTS ?=
DEV_CLASSPATH := target/test-classes:target/luki-gateway.jar:target/lib/*
# The JVM runs the gateway's own requests for some seconds, and writes down classes and profiles; only target/luki uses them.
AOT = echo "Writing target/luki-gateway.aot (10 s)…" >&2; \
	"$(JAVA)" -XX:+UseCompactObjectHeaders -XX:AOTCacheOutput=target/luki-gateway.aot -Xlog:aot=off \
		-jar target/luki-gateway.jar warm-up >target/aot.log 2>&1 || cat target/aot.log >&2
SOURCES := $(shell find src/main src/test pom.xml -type f 2>/dev/null)
export DEV_CLASSPATH
export DEV_JAVA_OPTS := $(JAVA_OPTS)

help: ## this list
	@echo "LUKi gateway: make <target>"
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 20

run: compiled ## build, then serve on http://localhost:8081 with stand-ins for what has no URL
	@exec sh src/dev/serve.sh

dev: ## like run, and build again when a file changes; the old one serves until the new build is ready
	@MAKE="$(MAKE)" sh src/dev/watch.sh

stand-ins: compiled ## stand-ins of all seven services on this machine, on the ports 9000 to 9006
	@exec "$(JAVA)" -cp "$(DEV_CLASSPATH)" luki.gateway.standin.StandInsServer

build: ## target/luki-gateway.jar, target/lib, target/luki which starts it, and what the JVM needs to start fast
	@echo "Building (the first time downloads what is needed, which takes a few minutes)…" >&2
	@$(MVN) package -DskipTests >&2
	@$(AOT)

check: compiled ## audit the configuration and the contract
	@target/luki check

policy: compiled ## the effective policy, one row a route
	@target/luki policy

format: ## format the sources
	@$(MVN) spotless:apply >&2

clean: ## remove target
	@rm -rf target

test: ## every test, on our own HTTP engines
	@echo "Testing (the first time downloads what is needed)…" >&2
	@mvn -B -ntp verify

# Server and client of HTTP; edge/wire is the pair of `make test`.
PAIRS ?= jdk/jdk edge/jdk jdk/wire
test-engines: compiled ## the tests of everything on the wire, on the other three pairs of HTTP engines; PAIRS=…
	@for pair in $(PAIRS); do \
		echo "Testing with HTTP_ENGINE=$${pair%/*} HTTP_CLIENT=$${pair#*/}" >&2; \
		mvn -B -ntp surefire:test -Dluki.engine=$${pair%/*} -Dluki.client=$${pair#*/} \
			-Dtest='luki.gateway.surface.*Test,luki.gateway.handler.*Test,luki.gateway.defects.*Test,luki.gateway.server.*Test,IssuerTest,TokenCorpusTest,ConsentSharingTest,AuditTrailTest' || exit 1; \
	done

# The gateway's jar, then a jar for each door; only these are tested.
EXT := mvn -B -ntp -q -f src/ext/pom.xml -Pext
ext: ## the optional doors: luki-graphql.jar and luki-grpc.jar in target/ext, with their libraries
	@echo "Building the doors (the first time downloads what is needed)…" >&2
	@$(EXT) package >&2

test-ext: ## build the optional doors and run their tests
	@$(EXT) integration-test

test-clients: compiled ## clients made from the contract and libraries for event streams against the gateway; needs npm
	@sh src/test/clients/run.sh "$(JAVA)" "$(DEV_CLASSPATH)"

test-browser: compiled ## the pages in headless Chromium; WRITE=1 puts the pictures into src/docs/img
	@mvn -B -ntp surefire:test -Dtest='luki.gateway.browser.*Test' $(if $(WRITE),-Dluki.write=true)

browser-packages: ## install Chromium, from the system's packages
	@echo "Installing chromium with apt-get" >&2
	@sudo=$$(test "$$(id -u)" = 0 || echo sudo); $$sudo apt-get update -qq && \
		$$sudo apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null

lint-contract: compiled ## the published contract against the rules of Redocly and Spectral; needs npm
	@sh src/test/contract/run.sh "$(JAVA)"

lint-deploy: ## Dockerfile, Compose, Kubernetes, workflows and PromQL by their schemas and grammars; needs npm
	@sh src/test/deploy/run.sh

image-check: ## the RUN steps of the Dockerfile, the files and the start of the image, without a container engine
	@sh src/dev/image.sh

release-check: ## everything that a release needs, with a table at the end
	@sh src/dev/release-check.sh

policy-page: compiled ## write src/docs/POLICY.md, which a test compares with what is enforced
	@mvn -B -ntp -q surefire:test -Dtest=PolicyTest -Dluki.write=true

vectors: compiled ## feed JWS and JWK vector files to the token checks: make vectors DIR=…
	@"$(JAVA)" -cp "$(DEV_CLASSPATH)" luki.gateway.tokens.VectorFiles $(DIR)

fuzz: compiled ## generated messages against another parser, then guided by coverage (Jazzer); MESSAGES=…, SEED=…, SECONDS=…
	@mvn -B -ntp surefire:test -Dtest=ComparedParserTest \
		-Dluki.fuzz.messages=$(or $(MESSAGES),20000000) $(if $(SEED),-Dluki.fuzz.seed=$(SEED))
	@$(MVN) -Pfuzz dependency:build-classpath -Dmdep.outputFile=target/fuzz.classpath >&2
	@classpath="target/test-classes:target/classes:$$(cat target/fuzz.classpath)"; \
		"$(JAVA)" -cp "$$classpath" luki.http1.FuzzSeeds target/fuzz/seeds 500 || exit 1; \
		for target in RequestFuzz ReplyFuzz; do \
			mkdir -p target/fuzz/$$target; \
			echo "Fuzzing with luki.http1.$$target for $(or $(SECONDS),120) s; what is found stays in target/fuzz" >&2; \
			"$(JAVA)" -XX:+EnableDynamicAgentLoading --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
				-cp "$$classpath" com.code_intelligence.jazzer.Jazzer --target_class=luki.http1.$$target \
				--instrumentation_includes='luki.http1.**' --custom_hook_includes='luki.http1.**' --reproducer_path=target/fuzz \
				-artifact_prefix=target/fuzz/ -max_total_time=$(or $(SECONDS),120) -max_len=4096 -print_final_stats=1 \
				target/fuzz/$$target target/fuzz/seeds/$$target || exit 1; \
		done

chaos: compiled ## two gateways, a real Redis and services that break by a plan; SEED=…, SECONDS=…
	@mvn -B -ntp -q surefire:test -Dtest=ChaosTest -Dluki.chaos.seed=$(or $(SEED),$$(date +%s)) \
		-Dluki.chaos.seconds=$(or $(SECONDS),120)

rolling: compiled ## restart two gateway processes in turn behind HAProxy under load; RESTARTS=…, needs haproxy
	@"$(JAVA)" -cp "$(DEV_CLASSPATH)" luki.gateway.chaos.RollingRun $(or $(RESTARTS),100)

soak: compiled ## a gateway process under load with nothing broken: no error, no drift; REQUESTS=…, STREAMS=…
	@"$(JAVA)" -cp "$(DEV_CLASSPATH)" luki.gateway.chaos.SoakRun $(or $(REQUESTS),10000000) $(or $(STREAMS),100000)

bench: compiled ## the gateway beside nginx, HAProxy and Caddy, in one run; QUICK=1, WRITE=1 puts it into src/docs
	@ulimit -n 65536 2>/dev/null || ulimit -n $$(ulimit -Hn); \
		"$(JAVA)" -cp "$(DEV_CLASSPATH)" luki.bench.Bench $(if $(QUICK),--quick) $(if $(WRITE),--write) $(ARGS)

bench-peers: ## install what the bench compares with, from the system's packages
	@echo "Installing wrk, nginx with Lua, haproxy, caddy and redis-server with apt-get" >&2
	@$$(test "$$(id -u)" = 0 || echo sudo) apt-get install -y wrk nginx libnginx-mod-http-lua lua-cjson haproxy caddy redis-server

bench-grpc: ## unary gRPC calls beside nginx's grpc_pass, in one run; ARGS="seconds rounds calls"
	@$(EXT) pre-integration-test >&2
	@"$(JAVA)" -cp "target/ext-build/grpc/test-classes:target/test-classes:target/luki-gateway.jar:target/lib/*:target/ext/luki-grpc.jar:target/ext/grpc/*" \
		luki.grpc.GrpcBench $(ARGS)

microbench: compiled ## time key and token checks (JMH, a minute); WRITE=1 puts the table into src/docs
	@$(MVN) -Pmicrobench dependency:build-classpath -Dmdep.outputFile=target/jmh.classpath >&2
	@mkdir -p target/jmh
	@"$(JAVA_HOME)/bin/javac" -proc:full -nowarn -d target/jmh \
		-cp "target/test-classes:target/classes:$$(cat target/jmh.classpath)" src/jmh/java/luki/gateway/tokens/*.java
	@"$(JAVA)" -cp "target/jmh:target/test-classes:target/classes:$$(cat target/jmh.classpath)" \
		luki.gateway.tokens.MicroBench $(if $(WRITE),--write)

profile: compiled ## processor time and bytes a request of the bench's POST, by room and method; SECONDS=…
	@"$(JAVA)" -cp "$(DEV_CLASSPATH)" luki.bench.Profile $(SECONDS)

scaling: compiled ## 1, 2 and 4 gateways on one Redis and on a cluster, for a quiet machine; ARGS="--seconds 10 --gateways 1,2,4", WRITE=1 puts it into src/docs
	@ulimit -n 65536 2>/dev/null || ulimit -n $$(ulimit -Hn); \
		"$(JAVA)" -cp "$(DEV_CLASSPATH)" luki.bench.Scaling $(if $(WRITE),--write) $(ARGS)

compiled: target/.compiled

target/.compiled: $(SOURCES)
	@echo "Building (the first time downloads what is needed, which takes a few minutes)…" >&2
	@$(MVN) package -DskipTests >&2
	@touch $@
