package luki.gateway.app;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.audit.AuditRecord;
import luki.gateway.config.Check;
import luki.gateway.config.ConfigurationCheck;
import luki.gateway.config.ConfigurationCheck.Finding;
import luki.gateway.config.Environment;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.GatewayFile.Roles;
import luki.gateway.config.GatewayFileReader;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.config.SettingsReader;
import luki.gateway.config.Variable;
import luki.gateway.contract.ContractDocument;
import luki.gateway.http.ClassPath;
import luki.gateway.http.Sha256;
import luki.gateway.http.Upstream;
import luki.gateway.keys.KeyEntry;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import luki.gateway.observe.Diagnostics;
import luki.gateway.tokens.Identity;

/** The settings, gateway.yaml and the contract, which every command reads first. */
public record Configuration(
    Settings settings, GatewayFile file, ContractDocument document, Environment environment) {
  /** The purpose of the hash that names callers in the access log, the audit file and bills. */
  static final String ACCESS_LOG = "access-log";

  // For development only: the keys that are hashed with it open nothing of value.
  private static final String DEV_PEPPER = "a pepper for the desk, never for a real gateway";

  /** Reads it from this process's environment. */
  public static Configuration ofProcess() throws BadConfiguration {
    Problems problems = new Problems();
    return of(Environment.ofProcess(problems), problems);
  }

  /** Reads all of it, so that all problems are reported together. */
  public static Configuration of(Environment environment, Problems problems)
      throws BadConfiguration {
    Settings settings = SettingsReader.read(environment);
    if (!problems.isEmpty()) {
      addMissing(settings, environment, problems);
    }
    if (!settings.gatewayFile().toFile().canRead() || !settings.openapiFile().toFile().canRead()) {
      problems.throwIfAny();
    }
    Configuration read = read(settings, environment, problems);
    Diagnostics.configure(settings.logLevel());
    return read;
  }

  /** Besides what is malformed: what prod needs, and names that are none. */
  private static void addMissing(Settings settings, Environment environment, Problems problems) {
    Map<Variable, Check> needed =
        Map.of(
            Variable.API_KEY_PEPPER, Check.PEPPER_UNSET,
            Variable.SERVICE_TOKEN_KEY_PATH, Check.SIGNING_KEY_UNSET);
    needed.forEach(
        (variable, check) -> {
          if (!settings.dev() && environment.get(variable) == null) {
            problems.add(variable.name(), check.ofUnset());
          }
        });
    environment.findings().stream()
        .filter(finding -> finding.check() == Check.UNKNOWN_VARIABLE)
        .forEach(finding -> problems.add(finding.where(), finding.text()));
  }

  /** The files as they are now; the settings stay. */
  Configuration reread() throws BadConfiguration {
    return read(settings, environment, new Problems());
  }

  private static Configuration read(Settings settings, Environment environment, Problems problems)
      throws BadConfiguration {
    GatewayFile file = GatewayFileReader.read(settings.gatewayFile(), problems);
    ContractDocument document = ContractDocument.read(settings.openapiFile(), problems);
    problems.throwIfAny();
    return new Configuration(settings, file, document, environment);
  }

  /**
   * The findings of `check` that are not critical.
   *
   * @throws BadConfiguration there is a critical one
   */
  List<Finding> warnings() throws BadConfiguration, IOException {
    List<Finding> warnings = findings();
    if (warnings.stream().anyMatch(Finding::isCritical)) {
      Problems critical = new Problems();
      warnings.stream()
          // What seems to be missing may be there under another name.
          .filter(finding -> finding.isCritical() || finding.check() == Check.UNKNOWN_VARIABLE)
          .forEach(
              finding ->
                  critical.add(
                      finding.where(), finding.sentences() + " " + finding.check().remedy()));
      critical.throwIfAny();
    }
    return warnings;
  }

  /** The findings of `check`; in prod a critical one prevents startup. */
  public List<Finding> findings() throws IOException {
    List<Finding> findings = new ArrayList<>(environment.findings());
    findings.addAll(ConfigurationCheck.of(settings, file, document.scopes()));
    findings.addAll(Identity.findings(settings));
    String where = Variable.API_KEYS_FILE.name();
    try {
      List<KeyEntry> keys = new KeyFile(settings.keyFile()).read();
      if (keys.isEmpty()) {
        findings.add(
            Finding.of(Check.NO_KEYS, where, "no key exists yet in " + settings.keyFile()));
      }
      Set<String> unknown = new TreeSet<>();
      keys.forEach(key -> unknown.addAll(key.plan() == null ? Set.of() : Set.of(key.plan())));
      unknown.removeAll(file.plans().keySet());
      if (!unknown.isEmpty()) {
        findings.add(
            Finding.of(
                Check.UNKNOWN_PLAN,
                where,
                "keys of plans that gateway.yaml does not list get the default one: " + unknown));
      }
    } catch (KeyFile.Broken broken) {
      findings.add(Finding.of(Check.KEY_FILE_BROKEN, where, String.valueOf(broken.getMessage())));
    }
    return findings;
  }

  /** Names the contract and the configuration that decide: the start of a hash of both files. */
  String policyVersion() throws IOException {
    byte[] contract = Files.readAllBytes(settings.openapiFile());
    byte[] file = Files.readAllBytes(settings.gatewayFile());
    return Sha256.of(contract, new byte[1], file).substring(0, 12);
  }

  /** What the audit records of this process share. */
  public AuditRecord.Context auditContext() throws BadConfiguration, IOException {
    return new AuditRecord.Context(
        KeyedHash.derived(pepper(), ACCESS_LOG), policyVersion(), Clock.systemUTC());
  }

  /** The services that have versions beside the stable one. */
  public List<Upstream> withVersions() {
    return Arrays.stream(Upstream.values())
        .filter(who -> !file.service(who).versions().isEmpty())
        .toList();
  }

  public Roles roles() {
    return new Roles(file.roles(), document.scopes());
  }

  /** The pepper; dev has a fixed one, prod only the operator's. */
  public String pepper() throws BadConfiguration {
    if (settings.pepper() == null && !settings.dev()) {
      throw new BadConfiguration(Variable.API_KEY_PEPPER + ": " + Check.PEPPER_UNSET.ofUnset());
    }
    return pepperIfAny();
  }

  /** The same without a refusal, for commands that verify no key and record no caller. */
  String pepperIfAny() {
    Settings.Secret pepper = settings.pepper();
    return pepper == null ? DEV_PEPPER : pepper.value();
  }

  /**
   * What the build has written into the jar.
   *
   * @param redoc the version of the documentation page's script
   */
  public record Build(String version, String redoc) {
    public static Build read() {
      Properties properties = new Properties();
      try {
        properties.load(new StringReader(ClassPath.text(Configuration.class, "build.properties")));
      } catch (IOException unreadable) {
        throw new UncheckedIOException(unreadable);
      }
      return new Build(
          properties.getProperty("version", "unknown"), properties.getProperty("redoc", ""));
    }
  }
}
