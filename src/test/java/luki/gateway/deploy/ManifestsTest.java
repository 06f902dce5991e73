package luki.gateway.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.gateway.config.Variable;
import luki.gateway.json.Json;
import luki.gateway.standin.StandIns;
import org.junit.jupiter.api.Test;

/**
 * Kubernetes, Compose and the workflows: what they say of the gateway is true. Their schemas are
 * checked by {@code make lint-deploy}.
 */
class ManifestsTest {
  private static final Path BASE = Path.of("config/deploy/k8s/base");
  private static final Json DEPLOYMENT = Yamls.read(BASE.resolve("deployment.yaml"));
  private static final Json POD = DEPLOYMENT.pointer("/spec/template/spec");
  private static final Json CONTAINER = POD.at("containers").at(0);
  private static final Path COMPOSE = Path.of("config/deploy/compose.yaml");
  private static final Json SERVICES = Yamls.read(COMPOSE).at("services");

  private static Map<String, String> settings() throws IOException {
    Map<String, String> settings = new LinkedHashMap<>();
    for (String line : Files.readAllLines(BASE.resolve("gateway.env"))) {
      if (!line.startsWith("#")) {
        String[] sides = line.split("=", 2);
        settings.put(sides[0], sides[1]);
      }
    }
    return settings;
  }

  private static List<String> unknown(Stream<String> names) {
    Set<String> known = new HashSet<>();
    Arrays.stream(Variable.values()).map(Enum::name).forEach(known::add);
    return names.filter(name -> !known.contains(name)).toList();
  }

  private static long seconds(String text) {
    return Long.parseLong(text.replace("s", ""));
  }

  /** SIGKILL must not come before the end of the drain, and SIGTERM not before the last request. */
  @Test
  void everyPlatformWaitsLongerThanTheDrain() throws IOException {
    long grace = Long.parseLong(Variable.SHUTDOWN_GRACE_S.defaultText());
    assertEquals(Long.toString(grace), settings().get("SHUTDOWN_GRACE_S"));
    long before = CONTAINER.pointer("/lifecycle/preStop/sleep/seconds").integer().orElseThrow();
    // A pod that is not ready is found out after two looks.
    assertTrue(before >= 5, "preStop " + before);
    long all = POD.at("terminationGracePeriodSeconds").integer().orElseThrow();
    assertTrue(all >= before + grace + 5, "Kubernetes kills after " + all);
    for (String gateway : List.of("gateway-1", "gateway-2")) {
      long stop = seconds(SERVICES.at(gateway).at("stop_grace_period").string(""));
      assertTrue(stop >= grace + 5, gateway);
      // The checks of the HAProxy before them are a second apart.
      String delay = SERVICES.at(gateway).at("environment").at("DRAIN_DELAY_S").string("");
      assertTrue(seconds(delay) >= 2, gateway);
    }
    Matcher railway =
        Pattern.compile("drainingSeconds = (\\d+)")
            .matcher(Files.readString(Path.of("railway.toml")));
    assertTrue(railway.find() && Long.parseLong(railway.group(1)) >= grace + 5);
  }

  @Test
  void thePodIsConfined() {
    Json pod = POD.at("securityContext");
    assertTrue(pod.at("runAsNonRoot").isTrue());
    assertEquals(10001, pod.at("runAsUser").integer().orElseThrow());
    assertEquals("RuntimeDefault", pod.pointer("/seccompProfile/type").string());
    Json container = CONTAINER.at("securityContext");
    assertTrue(container.at("readOnlyRootFilesystem").isTrue());
    assertTrue(container.at("allowPrivilegeEscalation").isFalse());
    assertEquals(List.of("ALL"), container.pointer("/capabilities/drop").stringList());
    assertTrue(POD.at("automountServiceAccountToken").isFalse());
    for (Json volume : POD.at("volumes").items()) {
      assertTrue(volume.at("secret").isObject(), "nothing to write to: " + volume);
    }
    for (Map.Entry<String, Json> service : SERVICES.members().entrySet()) {
      assertTrue(service.getValue().at("read_only").isTrue(), service.getKey());
      assertEquals(
          List.of("ALL"), service.getValue().at("cap_drop").stringList(), service.getKey());
    }
  }

  @Test
  void probesAskForPathsOfTheGateway() {
    assertEquals("/healthz", CONTAINER.pointer("/livenessProbe/httpGet/path").string());
    assertEquals("/healthz", CONTAINER.pointer("/startupProbe/httpGet/path").string());
    assertEquals("/readyz", CONTAINER.pointer("/readinessProbe/httpGet/path").string());
    Json ports = CONTAINER.at("ports");
    assertEquals(Variable.PORT.defaultText(), ports.at(0).at("containerPort").toString());
    assertEquals(ports.at(0).at("name"), CONTAINER.pointer("/readinessProbe/httpGet/port"));
    long start =
        CONTAINER.pointer("/startupProbe/periodSeconds").integer().orElseThrow()
            * CONTAINER.pointer("/startupProbe/failureThreshold").integer().orElseThrow();
    assertTrue(start >= 30, start + " s for the start");
  }

  @Test
  void everySettingIsOneThatTheGatewayReads() throws IOException {
    List<String> names = new ArrayList<>(settings().keySet());
    CONTAINER.at("env").items().forEach(variable -> names.add(variable.at("name").string("")));
    names.addAll(SERVICES.at("gateway-1").at("environment").members().keySet());
    for (Path overlay : Yamls.below("config/deploy/k8s/overlays")) {
      for (Json map : Yamls.read(overlay).at("configMapGenerator").items()) {
        map.at("literals").items().forEach(line -> names.add(line.string("").split("=", 2)[0]));
      }
    }
    assertTrue(names.size() > 30, names.toString());
    assertEquals(List.of(), unknown(names.stream()));
  }

  /** A value that is secret comes from a Secret or from a file that is made on the spot. */
  @Test
  void noSecretHasAValue() throws IOException {
    Set<String> secret = Set.of("API_KEY_PEPPER", "AGENT_INTERNAL_SECRET", "REDIS_URL");
    Set<String> referred = new TreeSet<>();
    for (Json variable : CONTAINER.at("env").items()) {
      if (secret.contains(variable.at("name").string(""))) {
        assertTrue(variable.at("value").isMissing(), variable.toString());
        assertEquals("luki-gateway", variable.pointer("/valueFrom/secretKeyRef/name").string());
        referred.add(variable.at("name").string(""));
      }
    }
    assertEquals(new TreeSet<>(secret), referred);
    assertEquals(List.of(), settings().keySet().stream().filter(secret::contains).toList());
    Json compose = SERVICES.at("gateway-1");
    assertEquals("secrets/gateway.env", compose.at("env_file").string());
    assertTrue(compose.at("environment").at("API_KEY_PEPPER").isMissing());
  }

  /** Else an abort lasts only as long as the process. */
  @Test
  void theSharesOfVersionsCanBeWrittenWhereAllElseIsReadOnly() throws IOException {
    String file = "/var/lib/luki/rollout.json";
    List<String> unit = Files.readAllLines(Path.of("config/deploy/luki-gateway.service"));
    assertTrue(unit.contains("ProtectSystem=strict") && unit.contains("StateDirectory=luki"));
    assertTrue(unit.contains("Environment=ROLLOUT_FILE=" + file));
    for (String gateway : List.of("gateway-1", "gateway-2")) {
      Json service = SERVICES.at(gateway);
      assertEquals(file, service.at("environment").at("ROLLOUT_FILE").string());
      assertTrue(
          service.at("volumes").stringList().contains("./secrets/state:/var/lib/luki"), gateway);
    }
    assertTrue(
        Files.readString(Path.of("config/deploy/secrets.sh")).contains("\"$directory/state\""));
  }

  @Test
  void selectorsFindThePods() {
    Json labels = DEPLOYMENT.pointer("/spec/template/metadata/labels");
    assertEquals(labels, DEPLOYMENT.pointer("/spec/selector/matchLabels"));
    assertEquals(labels, Yamls.read(BASE.resolve("service.yaml")).pointer("/spec/selector"));
    for (String file : List.of("pod-disruption-budget.yaml", "network-policy.yaml")) {
      Json spec = Yamls.read(BASE.resolve(file)).at("spec");
      Json selector =
          spec.at("selector").isMissing() ? spec.at("podSelector") : spec.at("selector");
      assertEquals(labels, selector.at("matchLabels"), file);
    }
    for (Json spread : POD.at("topologySpreadConstraints").items()) {
      assertEquals(labels, spread.pointer("/labelSelector/matchLabels"));
    }
    Path monitoring = Path.of("config/deploy/k8s/components/monitoring/service-monitor.yaml");
    assertEquals(labels, Yamls.read(monitoring).pointer("/spec/selector/matchLabels"));
    Path scaling =
        Path.of("config/deploy/k8s/components/autoscaling/horizontal-pod-autoscaler.yaml");
    Json target = Yamls.read(scaling).pointer("/spec/scaleTargetRef/name");
    assertEquals(DEPLOYMENT.pointer("/metadata/name"), target);
  }

  /** While Redis is away each instance enforces limit / REPLICAS: there must never be more. */
  @Test
  void theLimitsAreSharedByAsManyInstancesAsThereMayBe() {
    Json scaling =
        Yamls.read(
            Path.of("config/deploy/k8s/components/autoscaling/horizontal-pod-autoscaler.yaml"));
    Json production =
        Yamls.read(Path.of("config/deploy/k8s/overlays/production/kustomization.yaml"));
    List<String> literals = production.at("configMapGenerator").at(0).at("literals").stringList();
    assertTrue(
        literals.contains("REPLICAS=" + scaling.pointer("/spec/maxReplicas")), literals + "");
    assertEquals("2", SERVICES.at("gateway-1").at("environment").at("REPLICAS").string());
    assertEquals(
        "http_server_active_requests",
        scaling.pointer("/spec/metrics/0/pods/metric/name").string());
  }

  @Test
  void everyKustomizationNamesAllFilesBesideIt() throws IOException {
    List<Path> all =
        Yamls.below("config/deploy/k8s").stream()
            .filter(file -> file.endsWith("kustomization.yaml"))
            .toList();
    assertEquals(5, all.size());
    for (Path file : all) {
      Json kustomization = Yamls.read(file);
      Set<Path> named = new TreeSet<>(Set.of(file));
      for (String list : List.of("resources", "components")) {
        for (Json entry : kustomization.at(list).items()) {
          Path path = file.resolveSibling(entry.string("")).normalize();
          assertTrue(Files.exists(path), path.toString());
          if (Files.isRegularFile(path)) {
            named.add(path);
          }
        }
      }
      assertEquals(named, new TreeSet<>(Yamls.below(file.getParent().toString())), file.toString());
    }
  }

  @Test
  void composeHasTheStandInsWhereTheyListen() {
    List<String> names = StandIns.VARIABLE_OF_SERVICE.keySet().stream().sorted().toList();
    for (String gateway : List.of("gateway-1", "gateway-2")) {
      Json environment = SERVICES.at(gateway).at("environment");
      for (int i = 0; i < names.size(); i++) {
        String variable = StandIns.VARIABLE_OF_SERVICE.get(names.get(i));
        assertEquals("http://stand-ins:" + (9000 + i), environment.at(variable).string());
      }
      String subnet =
          Yamls.read(COMPOSE).pointer("/networks/default/ipam/config/0/subnet").string();
      assertEquals(subnet, environment.at("TRUSTED_PROXIES").string());
    }
  }

  /**
   * By tag, never the newest; `docker compose up` without --build needs nothing of this checkout.
   */
  @Test
  void composeStartsFromPublishedImages() throws IOException {
    String version = System.getProperty("luki.version", "0.1.0");
    for (Map.Entry<String, Json> service : SERVICES.members().entrySet()) {
      String image = service.getValue().at("image").string("");
      assertTrue(image.matches("(\\$\\{[A-Z_]+:-)?[a-z/-]+:[a-z0-9.-]+}?"), image);
      assertFalse(image.contains("latest"), image);
      for (Json volume : service.getValue().at("volumes").items()) {
        String source = volume.string("").split(":", 2)[0];
        Path path = COMPOSE.resolveSibling(source).normalize();
        boolean made = path.startsWith("config/deploy/secrets");
        assertTrue(made || Files.exists(path), source);
        boolean state = volume.string("").equals("./secrets/state:/var/lib/luki");
        assertTrue(state || volume.string("").endsWith(":ro"), source);
      }
    }
    String text = Files.readString(COMPOSE);
    assertTrue(text.contains("GATEWAY_IMAGE:-luki/luki-gateway:" + version), version);
    assertTrue(text.contains("STAND_INS_IMAGE:-luki/luki-stand-ins:" + version), version);
    String release = Files.readString(Path.of(".github/workflows/release.yml"));
    assertTrue(release.contains("IMAGE_NAME: luki/luki-gateway\n"));
    assertTrue(release.contains("tags: luki/luki-stand-ins:"));
  }

  /** Commands of the workflows exist; each action has a version; only what needs it may write. */
  @Test
  void theWorkflowsRunWhatExists() throws IOException {
    String makefile = Files.readString(Path.of("Makefile"));
    for (Path file : Yamls.below(".github/workflows")) {
      Json workflow = Yamls.read(file);
      assertEquals(
          "{\"contents\":\"read\"}", workflow.at("permissions").toString(), file.toString());
      for (Map.Entry<String, Json> job : workflow.at("jobs").members().entrySet()) {
        assertFalse(job.getValue().at("timeout-minutes").isMissing(), file + " " + job.getKey());
        for (Json step : job.getValue().at("steps").items()) {
          String uses = step.at("uses").string("a/b@v1");
          assertTrue(uses.matches("[a-z-]+/[a-z-]+@v\\d+"), uses);
          Matcher command =
              Pattern.compile("\\bmake ([a-z-]+)|((?:\\.ci|src|config)/[\\w./-]+)")
                  .matcher(step.at("run").string(""));
          while (command.find()) {
            if (command.group(1) != null) {
              assertTrue(makefile.contains("\n" + command.group(1) + ":"), command.group());
            } else {
              boolean made = command.group(2).startsWith("config/deploy/secrets");
              assertTrue(made || Files.exists(Path.of(command.group(2))), command.group());
            }
          }
        }
      }
    }
    String ci = Files.readString(Path.of(".github/workflows/ci.yml"));
    assertTrue(ci.contains("bash .ci/run") && ci.contains("make fuzz"));
    String release = Files.readString(Path.of(".github/workflows/release.yml"));
    for (String needed : List.of("sbom: true", "provenance", "cosign sign", "@sha256:")) {
      assertTrue(release.contains(needed), needed);
    }
  }

  /** The updates that are proposed cover every place that pins a version. */
  @Test
  void dependencyUpdatesCoverEveryEcosystem() {
    Set<String> directories = new TreeSet<>();
    Set<String> ecosystems = new TreeSet<>();
    for (Json update : Yamls.read(Path.of(".github/dependabot.yml")).at("updates").items()) {
      ecosystems.add(update.at("package-ecosystem").string(""));
      update.at("directories").items().forEach(each -> directories.add(each.string("")));
    }
    assertEquals(Set.of("maven", "github-actions", "npm", "docker-compose"), ecosystems);
    try (Stream<Path> files = Files.walk(Path.of("src"))) {
      assertEquals(
          directories,
          new TreeSet<>(
              files
                  .filter(file -> file.endsWith("package.json"))
                  .map(file -> "/" + file.getParent())
                  .toList()));
    } catch (IOException failed) {
      throw new AssertionError(failed);
    }
  }
}
